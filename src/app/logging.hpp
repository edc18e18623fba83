// Connects the log facade (base/log.hpp) to spdlog: text or JSON lines on stderr, or native journald fields.
// Lines go through a bounded queue to a thread of spdlog's; when the reader stalls, the oldest lines are
// dropped. So a full disk, a closed pipe or a slow journal never delays a verdict.
#pragma once

#include "config/config.hpp"

#include <chrono>

namespace healthgate::app {

// Installs the sink. Call once, after the signals are blocked (the thread inherits the mask) and before
// other threads start.
void start_logging(config::LogLevel level, config::LogFormat format);
void set_log_level(config::LogLevel level);

// Waits until the queue is written, at most `limit`. A blocked pipe may leave lines unwritten.
void drain_log(std::chrono::milliseconds limit);

// Lines that were dropped because the reader was too slow, since the start.
[[nodiscard]] std::size_t dropped_log_lines();

} // namespace healthgate::app
