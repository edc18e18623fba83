// Points in time as text, RFC 3339 in UTC.
#pragma once

#include <chrono>
#include <string>

namespace healthgate::base {

// "2026-11-22T02:05:42Z"
[[nodiscard]] std::string utc_seconds(std::chrono::system_clock::time_point when);
// "2026-11-22T02:05:42.123Z"
[[nodiscard]] std::string utc_milliseconds(std::chrono::system_clock::time_point when);

} // namespace healthgate::base
