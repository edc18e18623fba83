#include "app/ruleset_builder.hpp"

#include "app/guard.hpp"
#include "healthgate_version.hpp"

namespace healthgate::app {

core::Ruleset build_ruleset(const config::Config& config, std::uint64_t nonce, std::uint64_t revision,
                            const std::function<GateForm(const config::GateConfig&)>& form_of) {
  core::Ruleset ruleset;
  ruleset.revision = revision;
  ruleset.version = HEALTHGATE_VERSION;
  ruleset.nonce = nonce;
  ruleset.gates.reserve(config.gates.size());
  for (const auto& gate : config.gates) {
    const auto wanted = form_of(gate);
    core::GateRules rules;
    rules.name = gate.name;
    rules.port = gate.port;
    rules.lease = gate.lease;
    rules.form = wanted.form;
    rules.comment = core::sanitize_comment(wanted.comment);
    rules.denied = gate.denied;
    rules.allow = wanted.allow ? wanted.allow : gate.allow;
    rules.guard = wanted.guard ? *wanted.guard : configured_guard(gate);
    ruleset.gates.push_back(std::move(rules));
    // No gate can be called so: a gate's name has no dot.
    if (gate.agent_listen) {
      ruleset.ports.push_back({gate.name + ".agent", gate.agent_listen->port, gate.allow});
    }
    if (gate.http_listen) {
      ruleset.ports.push_back({gate.name + ".http", gate.http_listen->port, gate.allow});
    }
  }
  if (config.metrics_listen) {
    ruleset.ports.push_back({"metrics", config.metrics_listen->port, config.metrics_allow});
  }
  return ruleset;
}

} // namespace healthgate::app
