// The Snapshot in Prometheus's text format 0.0.4, as served on /metrics. The names stand in metrics.hpp.
#pragma once

#include "core/snapshot.hpp"
#include "observe/process_stats.hpp"

#include <string>

namespace healthgate::observe {

inline constexpr const char* prometheus_content_type = "text/plain; version=0.0.4; charset=utf-8";

// Every family with HELP and TYPE, its samples together; a family without a sample is left out.
[[nodiscard]] std::string to_prometheus(const core::Snapshot& snapshot, const ProcessStats& process);

} // namespace healthgate::observe
