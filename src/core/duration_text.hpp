// Durations as people write them.
#pragma once

#include "core/time.hpp"

#include <string>

namespace healthgate::core {

// "250ms", "1500ms", "2s", "2m30s", "1d2h"; below ten seconds in whole milliseconds, else in whole seconds,
// rounded to the nearest; "0ms" for nothing.
[[nodiscard]] std::string duration_text(Duration duration);

} // namespace healthgate::core
