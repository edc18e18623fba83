#include "app/doctor/checks.hpp"

#include <algorithm>
#include <exception>

namespace healthgate::app::doctor {

const std::vector<Check>& all_checks() {
  static const std::vector<Check> checks = {
      {"privilege", check_privilege}, {"daemon", check_daemon},
      {"table", check_table},         {"kernel", check_kernel},
      {"port", check_ports},          {"allow", check_allow},
      {"asker", check_askers},        {"route", check_routes},
      {"firewall", check_firewalls},  {"conntrack", check_conntrack},
      {"relay", check_relay},         {"saved-ruleset", check_saved_rulesets},
      {"clock", check_clock},         {"time-budget", check_time_budget},
  };
  return checks;
}

Findings examine(const Subject& subject) {
  Findings all;
  for (const Check& check : all_checks()) {
    Findings found;
    try {
      check.run(subject, found);
    } catch (const std::exception& error) {
      found.push_back(
          {Severity::unknown, "", "", "this check did not come to its end", error.what(), "", ""});
    }
    for (Finding& finding : found) {
      finding.check = check.name;
      all.push_back(std::move(finding));
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  return all;
}

} // namespace healthgate::app::doctor
