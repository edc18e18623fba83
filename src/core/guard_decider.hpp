// Tells in which of five ways a service stands behind its gate, from the same probe results as the verdict,
// so that a guard knows when new connections to the service's own ports would be lost. Pure.
//
//   serving    the verdict is open
//   draining   closed, but it answers: it still serves what comes, and the balancer needs time to notice
//   dead       closed, and a connection was refused or reset
//   hung       closed, and `fall` deadlines in a row were missed
//   starting   was dead or hung, and answers again, but is not ready yet
//
// Only probes that talk to the service count, and of these only hard ones: a file that is gone says nothing
// about who listens.
#pragma once

#include "core/gate_decider.hpp"
#include "core/probe_result.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace healthgate::core {

enum class ServiceState { unknown, serving, draining, dead, hung, starting };

// "serving", "dead", ... as in status and metrics.
std::string_view to_string(ServiceState state);

class GuardDecider {
public:
  struct Terms {
    bool counts = true; // a hard probe that talks to the service
    int fall = 2;       // consecutive missed deadlines until it is hung, at least 1
  };

  // `initial` is for probes that are made anew while the service stays as it was.
  explicit GuardDecider(std::vector<Terms> probes, ServiceState initial = ServiceState::unknown);

  // Takes the result of probe `index`, and the verdict that GateDecider made of it.
  ServiceState on_result(std::size_t index, const ProbeResult& result, Health verdict);
  [[nodiscard]] ServiceState state() const { return state_; }
  // New connections to the service are lost: it is dead or hung, or was and is not ready yet.
  [[nodiscard]] bool lost() const {
    return state_ == ServiceState::dead || state_ == ServiceState::hung || state_ == ServiceState::starting;
  }

private:
  struct Seen {
    bool gone = false; // its last result: refused or reset
    int missed = 0;    // deadlines in a row
  };

  [[nodiscard]] bool any_gone() const;
  [[nodiscard]] bool any_hung() const;

  std::vector<Terms> terms_;
  std::vector<Seen> seen_;
  ServiceState state_ = ServiceState::unknown;
};

} // namespace healthgate::core
