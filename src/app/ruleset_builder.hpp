// From the configuration to the table that the kernel shall hold.
#pragma once

#include "config/config.hpp"
#include "core/ruleset.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace healthgate::app {

// How one gate's chains stand. The defaults are those of a gate without a daemon.
struct GateForm {
  core::ChainForm form = core::ChainForm::closed;
  std::string comment;                          // raw: made safe here
  std::optional<core::GuardRules> guard;        // none: as configured
  std::shared_ptr<const core::Allowlist> allow; // null: as configured
};

// Every gate of `config` in the form that `form_of` names, its agent-listen and http-listen behind its own
// allowlist, and the port of metrics-listen behind metrics-allow. The allowlists are shared, not copied.
[[nodiscard]] core::Ruleset build_ruleset(const config::Config& config, std::uint64_t nonce,
                                          std::uint64_t revision,
                                          const std::function<GateForm(const config::GateConfig&)>& form_of);

} // namespace healthgate::app
