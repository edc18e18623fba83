#include "nft/render.hpp"
#include "app/commands/config_source.hpp"
#include "app/guard.hpp"
#include "app/ruleset_builder.hpp"

#include <iostream>

namespace healthgate::app {

int render_command(const Arguments& arguments) {
  const auto state = arguments.value("state", "closed");
  if (state != "open" && state != "closed") {
    std::cerr << "healthgate render: --state = " << state << ": write open or closed\n";
    return exit_unknown;
  }
  const auto config = load_or_complain(arguments);
  if (!config) {
    return exit_unknown;
  }
  const auto form = state == "open" ? core::ChainForm::open : core::ChainForm::closed;
  std::cout << nft::render(build_ruleset(*config, 0, 0, [&](const config::GateConfig& gate) {
    auto guard = configured_guard(gate);
    guard.healthy = guard.peers;
    return GateForm{form, "rendered " + state, std::move(guard), nullptr};
  }));
  return exit_done;
}

} // namespace healthgate::app
