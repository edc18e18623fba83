#include "core/guard_decider.hpp"

#include <algorithm>

namespace healthgate::core {
namespace {

// Something that speaks for the service came back.
bool answers(const ProbeResult& result) {
  switch (result.failure) {
  case FailureClass::none:
  case FailureClass::status:
  case FailureClass::mismatch:
  case FailureClass::protocol:
  case FailureClass::tls:
    return true;
  case FailureClass::timeout:
  case FailureClass::refused:
  case FailureClass::reset:
  case FailureClass::dns:
  case FailureClass::exec:
    return false;
  }
  return false;
}

} // namespace

std::string_view to_string(ServiceState state) {
  switch (state) {
  case ServiceState::unknown:
    return "unknown";
  case ServiceState::serving:
    return "serving";
  case ServiceState::draining:
    return "draining";
  case ServiceState::dead:
    return "dead";
  case ServiceState::hung:
    return "hung";
  case ServiceState::starting:
    return "starting";
  }
  return "";
}

GuardDecider::GuardDecider(std::vector<Terms> probes, ServiceState initial)
    : terms_(std::move(probes)), seen_(terms_.size()), state_(initial) {}

bool GuardDecider::any_gone() const {
  return std::any_of(seen_.begin(), seen_.end(), [](const Seen& probe) { return probe.gone; });
}

bool GuardDecider::any_hung() const {
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    if (seen_[i].missed >= terms_[i].fall) {
      return true;
    }
  }
  return false;
}

ServiceState GuardDecider::on_result(std::size_t index, const ProbeResult& result, Health verdict) {
  if (terms_[index].counts) {
    Seen& probe = seen_[index];
    probe.gone = result.failure == FailureClass::refused || result.failure == FailureClass::reset;
    probe.missed = result.failure == FailureClass::timeout ? probe.missed + 1 : 0;
  }
  if (verdict == Health::open) {
    state_ = ServiceState::serving;
  } else if (any_gone()) {
    state_ = ServiceState::dead;
  } else if (any_hung()) {
    state_ = ServiceState::hung;
  } else if (terms_[index].counts && answers(result)) {
    if (lost()) {
      state_ = ServiceState::starting;
    } else if (!result.passed) {
      state_ = ServiceState::draining;
    }
  } else if (state_ == ServiceState::serving) {
    state_ = ServiceState::draining; // closed by a probe that says nothing about who listens
  }
  return state_;
}

} // namespace healthgate::core
