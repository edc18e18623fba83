// The transitions of one gate or of all, the newest first.
#include "app/commands/daemon_client.hpp"
#include "base/utc_time.hpp"
#include "core/duration_text.hpp"
#include "observe/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace healthgate::app {
namespace {

using nlohmann::json;
using Transitions = std::vector<core::TransitionSnapshot>;

Transitions newest_first(const core::Snapshot& snapshot) {
  Transitions all;
  for (const auto& gate : snapshot.gates) {
    all.insert(all.end(), gate.history.begin(), gate.history.end());
  }
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.at > b.at; });
  return all;
}

// The daemon's own JSON, so that nothing of it gets lost. Its times sort as text.
json newest_first_json(const std::string& status) {
  auto all = json::array();
  for (const auto& gate : json::parse(status).at("gates")) {
    for (const auto& transition : gate.at("history")) {
      all.push_back(transition);
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const json& a, const json& b) { return a.at("at") > b.at("at"); });
  return all;
}

std::string milliseconds_text(const char* what, std::optional<double> seconds) {
  if (!seconds) {
    return {};
  }
  char text[64];
  (void)std::snprintf(text, sizeof(text), ", %s in %.3f ms", what, *seconds * 1000); // always fits
  return text;
}

// 2026-11-22T02:05:42.123Z router open -> closed, probe: HTTP 500, revoked in 0.004 ms, committed in 3.210 ms
//     2026-11-22T02:05:42.021Z failed after 3ms: HTTP 500
void print(const core::TransitionSnapshot& transition, const core::Snapshot& snapshot) {
  std::cout << base::utc_milliseconds(transition.at) << ' ' << transition.gate << ' ' << transition.from
            << " -> " << transition.to << ", " << transition.reason
            << (transition.evidence.empty() ? "" : ": " + transition.evidence)
            << (transition.actor.empty() ? "" : ", by " + transition.actor)
            << milliseconds_text("revoked", transition.revoke_seconds)
            << milliseconds_text("committed", transition.commit_seconds) << "\n";
  for (const auto& probe : transition.probes) {
    std::cout << "    " << base::utc_milliseconds(snapshot.at + (probe.started - snapshot.mono))
              << (probe.passed ? " passed after " : " failed after ") << core::duration_text(probe.took)
              << ": " << probe.detail << "\n";
  }
}

} // namespace

int history_command(const Arguments& arguments) {
  auto request = make_request(control::Command::history);
  request.gate = arguments.operand(0);
  const auto result = ask_daemon(arguments, request);
  if (!result) {
    return result.error();
  }
  const auto snapshot = observe::snapshot_from_json(result.value());
  if (!snapshot) {
    return complain(request.command, snapshot.error(), exit_unknown);
  }
  if (arguments.has("json")) {
    std::cout << newest_first_json(result.value()).dump(2) << "\n";
    return exit_done;
  }
  const auto transitions = newest_first(snapshot.value());
  for (const auto& transition : transitions) {
    print(transition, snapshot.value());
  }
  if (transitions.empty()) {
    std::cout << "no transitions yet\n";
  }
  return exit_done;
}

} // namespace healthgate::app
