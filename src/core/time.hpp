// Time as the pure core sees it: always an argument, never read here.
#pragma once

#include <chrono>

namespace healthgate::core {

using Duration = std::chrono::nanoseconds;
using TimePoint = std::chrono::time_point<std::chrono::steady_clock, Duration>; // CLOCK_MONOTONIC: decisions
using WallTime =
    std::chrono::time_point<std::chrono::system_clock, Duration>; // CLOCK_REALTIME: what people read

struct Now {
  TimePoint mono;
  WallTime wall;
};

} // namespace healthgate::core
