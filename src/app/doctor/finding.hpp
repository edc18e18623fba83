// What `healthgate doctor` says about one obstacle.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace healthgate::app::doctor {

enum class Severity {
  note,    // worth to know; changes nothing
  warning, // may mislead the load balancer, or could not be judged
  error,   // stops the load balancer, or the daemon
};

[[nodiscard]] constexpr std::string_view to_string(Severity severity) {
  switch (severity) {
  case Severity::note:
    return "note";
  case Severity::warning:
    return "warning";
  case Severity::error:
    return "error";
  }
  return "";
}

struct Finding {
  Severity severity = Severity::note;
  std::string check;    // stable word for scripts: "port", "time-budget"
  std::string gate;     // "" for the whole host
  std::string what;     // one sentence: what happens to whom
  std::string evidence; // where it was read, as it stands there
  std::string remedy;   // what to type or to set; "" when there is nothing to do
};

using Findings = std::vector<Finding>;

} // namespace healthgate::app::doctor
