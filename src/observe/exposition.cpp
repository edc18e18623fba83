#include "observe/exposition.hpp"

#include "observe/text.hpp"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cmath>
#include <utility>

namespace healthgate::observe {
namespace {

std::string number(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "+Inf" : "-Inf";
  }
  char digits[32];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, value).ptr; // shortest that reads back the same
  return {digits, end};
}

std::string escaped(std::string_view value) {
  std::string out;
  for (const char c : valid_utf8(value)) {
    switch (c) {
    case '\\':
      out += "\\\\";
      break;
    case '"':
      out += "\\\"";
      break;
    case '\n':
      out += "\\n";
      break;
    default:
      out += c;
    }
  }
  return out;
}

} // namespace

void Exposition::family(std::string_view name) {
  const auto& metrics = all_metrics();
  const auto found =
      std::find_if(metrics.begin(), metrics.end(), [&](const auto& one) { return one.name == name; });
  assert(found != metrics.end());
  metric_ = &*found;
  head_written_ = false;
}

void Exposition::sample(const Values& labels, double value) {
  head();
  line("", labels, "", number(value));
}

void Exposition::sample(const Values& labels, const core::Histogram& histogram) {
  head();
  std::uint64_t below = 0;
  for (std::size_t index = 0; index < histogram.bounds.size(); ++index) {
    below += histogram.counts[index];
    line("_bucket", labels, number(histogram.bounds[index]), std::to_string(below));
  }
  line("_bucket", labels, "+Inf", std::to_string(histogram.total()));
  line("_sum", labels, "", number(histogram.sum));
  line("_count", labels, "", std::to_string(histogram.total()));
}

// Help is ours and needs no escaping.
void Exposition::head() {
  if (head_written_) {
    return;
  }
  head_written_ = true;
  text_.append("# HELP ").append(metric_->name).append(" ").append(metric_->help).append("\n");
  text_.append("# TYPE ").append(metric_->name).append(" ").append(to_string(metric_->type)).append("\n");
}

void Exposition::line(std::string_view suffix, const Values& labels, std::string_view le,
                      std::string_view value) {
  assert(labels.size() == metric_->labels.size());
  text_.append(metric_->name).append(suffix);
  char open = '{';
  const auto label = [&](std::string_view name, std::string_view text) {
    text_ += std::exchange(open, ',');
    text_.append(name).append("=\"").append(escaped(text)).append("\"");
  };
  for (std::size_t index = 0; index < labels.size(); ++index) {
    label(metric_->labels[index], labels[index]);
  }
  if (!le.empty()) {
    label("le", le);
  }
  text_.append(open == '{' ? " " : "} ").append(value).append("\n");
}

} // namespace healthgate::observe
