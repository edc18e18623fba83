// Durations as people write them.
#pragma once

#include "core/time.hpp"

#include <string>

namespace healthgate::core {

// "0.4ms", "250ms", "1.5s", "2m30s", "1d2h": rounded to 0.1 ms below 10 ms, to 1 ms below 1 s, to 10 ms below
// 10 s, and to whole seconds above; "0ms" for nothing.
[[nodiscard]] std::string duration_text(Duration duration);

} // namespace healthgate::core
