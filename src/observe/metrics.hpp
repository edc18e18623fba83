// Every metric by name, type, labels and meaning: what /metrics emits, what README.md lists, what the alerts
// and the dashboard in deploy/ ask for. A test holds the three together.
#pragma once

#include <string_view>
#include <vector>

namespace healthgate::observe {

enum class MetricType { gauge, counter, histogram };

struct Metric {
  std::string_view name;
  MetricType type;
  std::vector<std::string_view> labels; // without a histogram's `le`
  std::string_view help;                // one line
};

// In the order of /metrics.
[[nodiscard]] const std::vector<Metric>& all_metrics();

[[nodiscard]] std::string_view to_string(MetricType type);

} // namespace healthgate::observe
