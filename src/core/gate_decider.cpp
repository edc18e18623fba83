#include "core/gate_decider.hpp"

#include <algorithm>
#include <cassert>

namespace healthgate::core {

GateDecider::GateDecider(Settings settings, Health initial)
    : settings_(std::move(settings)), probes_(settings_.probes.size()), health_(initial) {
  assert(!probes_.empty());
  for (auto& probe : probes_) {
    probe.passing = initial == Health::open;
  }
}

Decision GateDecider::on_result(std::size_t index, const ProbeResult& result, TimePoint now) {
  const auto& terms = settings_.probes.at(index);
  auto& probe = probes_[index];
  probe.judged = true;
  auto evidence = result.detail;
  if (!result.passed) {
    probe.failure = result.detail;
  }
  if (result.passed == probe.passing) {
    probe.streak = 0;
    return conclude(index, std::move(evidence), now);
  }
  const int needed = result.passed ? terms.rise : terms.fall;
  ++probe.streak;
  if (needed > 1 && !result.passed) {
    evidence += ", " + std::to_string(probe.streak) + " of " + std::to_string(needed);
  }
  if (probe.streak >= needed) {
    probe.passing = result.passed;
    probe.streak = 0;
    probe.failing_since = result.passed ? std::nullopt : std::optional(now);
  }
  return conclude(index, std::move(evidence), now);
}

Decision GateDecider::on_time(TimePoint now) {
  return conclude(0, {}, now);
}

Decision GateDecider::conclude(std::size_t index, std::string evidence, TimePoint now) {
  const auto before = health_;
  const bool hard = enough_hard_pass();
  const auto objection = soft_objection(now);
  health_ = hard && !objection ? Health::open : Health::closed;
  if (health_ == Health::open && before == Health::closed) {
    opened_ = now;
  }
  if (health_ == Health::closed && before == Health::open && hard) { // whatever was found just now
    index = *objection;
    evidence = "soft probe failing for longer than its grace: " + probes_[index].failure;
  }
  const auto change = health_ != before ? Change::changed : pending() ? Change::pending : Change::none;
  return {health_, change, std::move(evidence), index};
}

TimePoint GateDecider::end_of_grace(const ProbeState& probe) const {
  return std::max(*probe.failing_since + settings_.soft_grace, opened_ + settings_.min_open);
}

bool GateDecider::enough_hard_pass() const {
  int hard = 0;
  int passing = 0;
  for (std::size_t index = 0; index < probes_.size(); ++index) {
    if (!settings_.probes[index].soft) {
      ++hard;
      passing += probes_[index].passing ? 1 : 0;
    }
  }
  return passing >= (settings_.require == 0 ? hard : std::min(settings_.require, hard));
}

// The first soft probe that does not let the gate be open. An open gate gives a failing one its grace; a
// closed one waits until it passes.
std::optional<std::size_t> GateDecider::soft_objection(TimePoint now) const {
  for (std::size_t index = 0; index < probes_.size(); ++index) {
    const auto& probe = probes_[index];
    const bool in_grace = health_ == Health::open && probe.failing_since && now < end_of_grace(probe);
    if (settings_.probes[index].soft && !probe.passing && !in_grace) {
      return index;
    }
  }
  return std::nullopt;
}

std::optional<TimePoint> GateDecider::next_deadline() const {
  std::optional<TimePoint> first;
  for (std::size_t index = 0; health_ == Health::open && index < probes_.size(); ++index) {
    const auto& probe = probes_[index];
    if (settings_.probes[index].soft && !probe.passing && probe.failing_since) {
      const auto end = end_of_grace(probe);
      first = first ? std::min(*first, end) : end;
    }
  }
  return first;
}

bool GateDecider::pending() const {
  return std::any_of(probes_.begin(), probes_.end(), [](const auto& probe) { return probe.streak > 0; });
}

std::optional<bool> GateDecider::passing(std::size_t index) const {
  const auto& probe = probes_.at(index);
  return probe.judged ? std::optional(probe.passing) : std::nullopt;
}

} // namespace healthgate::core
