// The configuration by itself: nobody is allowed, and settings that surprise.
#include "app/doctor/checks.hpp"
#include "config/lint.hpp"

namespace healthgate::app::doctor {

void check_allow(const Subject& subject, Findings& findings) {
  for (const auto& gate : subject.config.gates) {
    if (gate.allow->empty()) {
      findings.push_back({Severity::warning, "", gate.name,
                          "nobody but this host itself may ask on port " + std::to_string(gate.port) +
                              ": a load balancer gets " +
                              (gate.denied == core::Denied::drop ? "no answer" : "a reset"),
                          "no allow = and no allow-file = in [gate." + gate.name + "]",
                          "set gate." + gate.name + ".allow to the load balancer's addresses", ""});
    }
  }
}

void check_time_budget(const Subject& subject, Findings& findings) {
  for (const auto& hint : config::lint(subject.config)) {
    findings.push_back({hint.severity == config::Severity::warning ? Severity::warning : Severity::note, "",
                        hint.gate, hint.why, "", hint.set.empty() ? "" : "set " + hint.set, ""});
  }
}

} // namespace healthgate::app::doctor
