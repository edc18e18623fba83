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
  if (result.passed == probe.passing) {
    probe.streak = 0;
    return conclude(std::move(evidence), now);
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
  return conclude(std::move(evidence), now);
}

Decision GateDecider::on_time(TimePoint now) {
  return conclude("soft probe failing for longer than its grace", now);
}

Decision GateDecider::conclude(std::string evidence, TimePoint now) {
  const auto before = health_;
  health_ = combine(now);
  if (health_ == Health::open && before == Health::closed) {
    opened_ = now;
  }
  const auto change = health_ != before ? Change::changed : pending() ? Change::pending : Change::none;
  return {health_, change, std::move(evidence)};
}

TimePoint GateDecider::end_of_grace(const ProbeState& probe) const {
  return std::max(*probe.failing_since + settings_.soft_grace, opened_ + settings_.min_open);
}

Health GateDecider::combine(TimePoint now) const {
  int hard = 0;
  int hard_passing = 0;
  bool soft_passing = true;
  for (std::size_t index = 0; index < probes_.size(); ++index) {
    const auto& probe = probes_[index];
    if (!settings_.probes[index].soft) {
      ++hard;
      hard_passing += probe.passing ? 1 : 0;
      continue;
    }
    // An open gate gives a failing soft probe its grace; a closed one waits until it passes.
    const bool in_grace = health_ == Health::open && probe.failing_since && now < end_of_grace(probe);
    soft_passing = soft_passing && (probe.passing || in_grace);
  }
  const int needed = settings_.require == 0 ? hard : std::min(settings_.require, hard);
  return hard_passing >= needed && soft_passing ? Health::open : Health::closed;
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
