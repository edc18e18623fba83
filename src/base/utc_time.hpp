// Points in time as text, RFC 3339 in UTC.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace healthgate::base {

using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

// "2026-11-22T02:05:42Z"
[[nodiscard]] std::string utc_seconds(WallTime when);
// "2026-11-22T02:05:42.123Z"
[[nodiscard]] std::string utc_milliseconds(WallTime when);

// Reads either form back; none when `text` is not exactly that.
[[nodiscard]] std::optional<WallTime> read_utc(const std::string& text);

} // namespace healthgate::base
