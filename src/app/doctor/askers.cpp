// Who asks, as the kernel has seen it: somebody who is denied may be the load balancer behind a new address,
// and an allowed one that fell silent asks somewhere else, or from elsewhere.
#include "app/doctor/checks.hpp"

#include "core/duration_text.hpp"

#include <cmath>

namespace healthgate::app::doctor {
namespace {

// A load balancer asks every few seconds; ten of the slowest usual intervals (30 s).
constexpr double silent_seconds = 300;
constexpr std::size_t most_named = 5;

std::string ago(const core::SourceSnapshot& source) {
  return source.address + " (" + core::duration_text(std::chrono::seconds(std::lround(source.seconds_ago))) +
         " ago)";
}

template <typename Wanted>
std::string names(const std::vector<core::SourceSnapshot>& sources, std::size_t& count,
                  const Wanted& wanted) {
  std::string text;
  count = 0;
  for (const auto& source : sources) {
    if (wanted(source) && ++count <= most_named) {
      text += (text.empty() ? "" : ", ") + ago(source);
    }
  }
  return count <= most_named ? text : text + " and " + std::to_string(count - most_named) + " more";
}

void check_gate(const core::GateSnapshot& gate, Findings& findings) {
  std::size_t count = 0;
  const std::string denied = names(gate.denied_sources, count, [](const auto& /*source*/) { return true; });
  if (count != 0) {
    findings.push_back({Severity::warning, "", gate.name,
                        std::string(count == 1 ? "an address that is" : "addresses that are") +
                            " not allowed asked lately; if it is the load balancer, it sees a dead node",
                        denied,
                        "set gate." + gate.name + ".allow = " + gate.denied_sources.front().address +
                            " if it is one of yours, then healthgate reload",
                        ""});
  }
  const std::string silent =
      names(gate.sources, count, [](const auto& source) { return source.seconds_ago > silent_seconds; });
  if (count != 0) {
    findings.push_back({Severity::warning, "", gate.name,
                        std::string(count == 1 ? "a source that asked has" : "sources that asked have") +
                            " stopped: the load balancer lost this node, or asks from another address",
                        silent, "look at the load balancer's configuration and at the way from it", ""});
  }
}

} // namespace

void check_askers(const Subject& subject, Findings& findings) {
  if (subject.daemon.snapshot) {
    for (const auto& gate : subject.daemon.snapshot->gates) {
      check_gate(gate, findings);
    }
  }
}

} // namespace healthgate::app::doctor
