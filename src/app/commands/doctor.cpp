#include "app/commands/config_source.hpp"
#include "app/doctor/checks.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace healthgate::app {
namespace {

using doctor::Finding;
using doctor::Findings;
using doctor::Severity;
using nlohmann::json;

void print_text(const Findings& findings) {
  for (const auto& finding : findings) {
    std::cout << to_string(finding.severity) << ": "
              << (finding.gate.empty() ? "" : "gate " + finding.gate + ": ") << finding.what << "\n";
    if (!finding.evidence.empty()) {
      std::cout << "    seen: " << finding.evidence << "\n";
    }
    if (!finding.remedy.empty()) {
      std::cout << "    do:   " << finding.remedy << "\n";
    }
  }
  if (findings.empty()) {
    std::cout << "nothing stands in the load balancer's way\n";
  }
}

void print_json(const Findings& findings) {
  auto list = json::array();
  for (const auto& finding : findings) {
    list.push_back({{"severity", to_string(finding.severity)},
                    {"check", finding.check},
                    {"gate", finding.gate},
                    {"what", finding.what},
                    {"evidence", finding.evidence},
                    {"remedy", finding.remedy}});
  }
  std::cout << json({{"findings", list}}).dump(2, ' ', false, json::error_handler_t::replace) << "\n";
}

} // namespace

int doctor_command(const Arguments& arguments) {
  const auto config = load_or_complain(arguments);
  if (!config) {
    return exit_unknown;
  }
  Findings findings;
  doctor::check_capability(findings);
  doctor::check_ports(*config, findings);
  doctor::check_time_budget(*config, findings);
  std::stable_sort(findings.begin(), findings.end(),
                   [](const Finding& a, const Finding& b) { return a.severity > b.severity; });
  arguments.has("json") ? print_json(findings) : print_text(findings);
  const bool mend = std::any_of(findings.begin(), findings.end(),
                                [](const Finding& finding) { return finding.severity != Severity::note; });
  return mend ? exit_no : exit_done;
}

} // namespace healthgate::app
