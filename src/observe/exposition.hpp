// Writer of Prometheus's text format: knows escaping, numbers and histograms, nothing of gates.
#pragma once

#include "core/snapshot.hpp"
#include "observe/metrics.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace healthgate::observe {

class Exposition {
public:
  using Values = std::vector<std::string_view>; // of the labels, in the order of Metric::labels

  // The samples that follow are of the metric called `name`, which must be in all_metrics().
  void family(std::string_view name);
  void sample(const Values& labels, double value);
  void sample(const Values& labels, const core::Histogram& histogram);

  [[nodiscard]] std::string take() { return std::move(text_); }

private:
  void head();
  void line(std::string_view suffix, const Values& labels, std::string_view le, std::string_view value);

  const Metric* metric_ = nullptr;
  bool head_written_ = false;
  std::string text_;
};

} // namespace healthgate::observe
