// What the process uses, for the process_* metrics that every Prometheus client has.
#pragma once

#include <cstdint>
#include <optional>

namespace healthgate::observe {

// What could not be read stays empty and is left out of /metrics.
struct ProcessStats {
  std::optional<double> cpu_seconds; // user and system
  std::optional<std::uint64_t> open_fds;
  std::optional<std::uint64_t> max_fds;
  std::optional<std::uint64_t> virtual_bytes;
  std::optional<std::uint64_t> resident_bytes;
  std::optional<double> start_time_seconds; // since 1970
};

// Reads /proc/self (proc(5)), getrusage(2) and getrlimit(2). Does not block and does not throw.
[[nodiscard]] ProcessStats read_process_stats();

} // namespace healthgate::observe
