// A configuration back as text.
#pragma once

#include "config/config.hpp"

#include <string>

namespace healthgate::config {

// What loads to the same configuration again, from one file: every key that differs from its default, the
// global ones first. Comments, and where things stood, are gone.
[[nodiscard]] std::string to_ini(const Config& config);

} // namespace healthgate::config
