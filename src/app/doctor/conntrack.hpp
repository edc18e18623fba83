#pragma once

#include "app/doctor/finding.hpp"

#include <cstdint>
#include <optional>

namespace healthgate::app::doctor {

// What a connection table that holds `count` of `limit` entries means for a new connection. A full table
// drops it; from four fifths on it is only a matter of time.
[[nodiscard]] std::optional<Finding> judge_conntrack(std::uint64_t count, std::uint64_t limit);

} // namespace healthgate::app::doctor
