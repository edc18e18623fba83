// Findings for people and for programs.
#pragma once

#include "app/doctor/finding.hpp"

#include <string>

namespace healthgate::app::doctor {

// The worst first, as given: what happens, where that was seen, what to do. Ends with a count.
[[nodiscard]] std::string to_text(const Findings& findings, bool colour);
[[nodiscard]] std::string to_json(const Findings& findings);

// 1 when something is to be mended, 2 when that cannot be told, otherwise 0.
[[nodiscard]] int exit_code_of(const Findings& findings);

} // namespace healthgate::app::doctor
