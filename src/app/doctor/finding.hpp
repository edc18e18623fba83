// What `healthgate doctor` says about one obstacle.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace healthgate::app::doctor {

// In the order of what is read last to first.
enum class Severity {
  note,    // worth to know; changes nothing
  unknown, // something that matters could not be judged
  warning, // may mislead the load balancer
  error,   // stops the load balancer, or the daemon
};

[[nodiscard]] constexpr std::string_view to_string(Severity severity) {
  switch (severity) {
  case Severity::note:
    return "note";
  case Severity::unknown:
    return "cannot tell";
  case Severity::warning:
    return "warning";
  case Severity::error:
    return "error";
  }
  return "";
}

struct Finding {
  Severity severity = Severity::note;
  std::string check;    // the check's name in checks.cpp: "firewall", "port"; a stable word for scripts
  std::string gate;     // "" for the whole host, or several gates
  std::string what;     // one sentence: what happens to whom
  std::string evidence; // where it was read, as it stands there
  std::string remedy;   // what to type or to set; "" when there is nothing to do
  std::string lasting;  // how the remedy outlives a reboot; "" when it does by itself
};

using Findings = std::vector<Finding>;

} // namespace healthgate::app::doctor
