#include "app/commands/config_source.hpp"
#include "loop/event_loop.hpp"
#include "probe/make_prober.hpp"
#include "probe/report_text.hpp"

#include <nlohmann/json.hpp>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <unistd.h>

namespace healthgate::app {
namespace {

core::ProbeResult run_once(const config::ProbeConfig& config, std::chrono::milliseconds timeout) {
  loop::EventLoop loop;
  probe::Context context(loop);
  const auto prober = probe::make_prober(config, timeout, context);
  core::ProbeResult result;
  prober->start([&](core::ProbeResult done) {
    result = std::move(done);
    loop.exit(0);
  });
  (void)loop.run(); // ends by exit(0) alone
  return result;
}

std::string gate_names(const config::Config& config) {
  std::string names;
  for (const auto& gate : config.gates) {
    names += (names.empty() ? "" : ", ") + gate.name;
  }
  return names;
}

} // namespace

int probe_command(const Arguments& arguments) {
  const auto config = load_or_complain(arguments);
  if (!config) {
    return exit_unknown;
  }
  (void)std::signal(SIGPIPE, SIG_IGN); // a service that hangs up is a result; setting this cannot fail
  const auto wanted = arguments.operand(0);
  const bool as_json = arguments.has("json");
  const bool colour = isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  auto list = nlohmann::json::array();
  bool all_passed = true;
  bool found = false;
  for (const auto& gate : config->gates) {
    if (!wanted.empty() && gate.name != wanted) {
      continue;
    }
    found = true;
    for (const auto& probe : gate.probes) {
      const auto timeout = probe.timeout.value_or(gate.timeout);
      const auto result = run_once(probe, timeout);
      all_passed = all_passed && result.passed;
      if (as_json) {
        auto one = probe::to_json(result);
        one["gate"] = gate.name;
        one["probe"] = probe.name;
        list.push_back(std::move(one));
      } else {
        std::cout << probe::report_text(gate.name, probe, result, timeout, colour) << std::flush;
      }
    }
  }
  if (!found) {
    std::cerr << "healthgate probe: no gate '" << wanted << "'; there are: " << gate_names(*config) << "\n";
    return exit_unknown;
  }
  if (as_json) {
    std::cout << list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) << "\n";
  }
  return all_passed ? exit_done : exit_no;
}

} // namespace healthgate::app
