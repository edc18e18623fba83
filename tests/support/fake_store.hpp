// A store with a small kernel in it: a table that can be wiped, and leases that run out by the fake clock.
// The committer's thread is the test: nothing that was applied is in force before commit().
#pragma once

#include "core/ports.hpp"

#include <cerrno>
#include <map>
#include <utility>

namespace healthgate::test {

class FakeStore final : public core::RulesetStore {
public:
  explicit FakeStore(const core::Timers& timers) : timers_(timers) {}

  core::PulseResult renew(std::uint16_t port) override {
    ++renewals_;
    const auto* gate = pulse_reaches(port);
    if (gate == nullptr) {
      return {core::PulseAnswer::unanswered, 0, {}};
    }
    leases_[port] = timers_.now().mono + gate->lease;
    return {core::PulseAnswer::acknowledged, EPERM, {}};
  }
  core::PulseResult revoke(std::uint16_t port) override {
    ++revocations_;
    if (pulse_reaches(port) == nullptr) {
      return {core::PulseAnswer::unanswered, 0, {}};
    }
    leases_.erase(port);
    return {core::PulseAnswer::acknowledged, EPERM, {}};
  }
  void apply(std::shared_ptr<const core::Ruleset> desired) override { desired_ = std::move(desired); }
  void verify() override { ++verifications_; }
  void on_report(Reported reported) override { reported_ = std::move(reported); }

  // The commit lock is ours: the kernel holds what was applied last, or again what somebody wiped.
  void commit(core::Duration took = {}) {
    core::StoreReport report;
    report.in_sync = true;
    report.repaired = report.lease_lost = std::exchange(wiped_, false);
    report.writer = report.repaired ? writer_ : "";
    report.took = took;
    committed_ = desired_;
    report.revision = proven_ = committed_ ? committed_->revision : 0;
    tell(report);
  }
  // The kernel refuses; it holds what it held.
  void refuse(int error) {
    core::StoreReport report;
    report.revision = proven_;
    report.error = error;
    tell(report);
  }
  // Somebody deletes the table, and its leases with it; nobody is told before the next commit().
  void wipe(std::string writer = "nft (pid 4711)") {
    committed_ = nullptr;
    leases_.clear();
    wiped_ = true;
    writer_ = std::move(writer);
  }
  // Pulses are sent, and change nothing.
  void ignore_pulses(bool ignore) { pulses_ignored_ = ignore; }

  // What the table does with a SYN to `port`.
  [[nodiscard]] bool lets_in(std::uint16_t port) const {
    const auto* gate = find(port);
    const auto lease = leases_.find(port);
    return gate != nullptr && gate->form == core::ChainForm::open && lease != leases_.end() &&
           timers_.now().mono < lease->second;
  }
  [[nodiscard]] const std::shared_ptr<const core::Ruleset>& desired() const { return desired_; }
  [[nodiscard]] int renewals() const { return renewals_; }
  [[nodiscard]] int revocations() const { return revocations_; }
  [[nodiscard]] int verifications() const { return verifications_; }

private:
  [[nodiscard]] const core::GateRules* find(std::uint16_t port) const {
    if (committed_) {
      for (const auto& gate : committed_->gates) {
        if (gate.port == port) {
          return &gate;
        }
      }
    }
    return nullptr;
  }
  [[nodiscard]] const core::GateRules* pulse_reaches(std::uint16_t port) const {
    return pulses_ignored_ ? nullptr : find(port);
  }
  void tell(const core::StoreReport& report) const {
    if (reported_) {
      reported_(report);
    }
  }

  const core::Timers& timers_;
  std::shared_ptr<const core::Ruleset> desired_, committed_;
  std::map<std::uint16_t, core::TimePoint> leases_;
  std::uint64_t proven_ = 0;
  bool wiped_ = false;
  bool pulses_ignored_ = false;
  std::string writer_;
  int renewals_ = 0, revocations_ = 0, verifications_ = 0;
  Reported reported_;
};

} // namespace healthgate::test
