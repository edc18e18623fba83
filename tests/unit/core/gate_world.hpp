// One gate's Reconciler, and around it a tiny model of all that it moves: the kernel's chain and lease, the
// listener, the store's thread. A value: exploring tests copy it. Every step checks what must always hold.
#pragma once

#include "core/reconciler.hpp"

#include <gtest/gtest.h>

#include <cerrno>
#include <compare>
#include <optional>
#include <utility>
#include <vector>

namespace healthgate::test {

using core::ChainForm;
using core::Duration;
using core::PulseAnswer;
using core::Reconciler;
using core::TimePoint;
using Action = Reconciler::Action;

class GateWorld {
public:
  static constexpr Duration lease = std::chrono::seconds(3);

  GateWorld() { gate_.start(); }

  // What the application says, at this moment.
  void decide(bool open) {
    verdict_ = open;
    decided_open_ = open ? now_ : decided_open_;
    run(gate_.decide(open, now_));
    check();
  }

  // The clock runs; deadlines are kept.
  void advance(Duration by) {
    const auto end = now_ + by;
    int turns = 0;
    for (auto next = gate_.next_deadline(); next && *next <= end; next = gate_.next_deadline()) {
      now_ = std::max(now_, *next);
      run(gate_.on_time(now_));
      check();
      ASSERT_LT(++turns, 10) << "deadlines that on_time() does not meet";
    }
    now_ = end;
    check();
  }
  // The clock runs; we do not.
  void freeze(Duration by) {
    now_ += by;
    check();
  }
  void wake() {
    run(gate_.on_time(now_));
    check();
  }

  // The store's thread gets the commit lock: the kernel is as desired, and somebody is told, now or later.
  void commit(bool tell_now = true) {
    const bool repaired = std::exchange(tampered_, false);
    verify_asked_ = false;
    table_ = true;
    if (desired_) {
      chain_ = *desired_;
    }
    if (repaired) {
      lease_until_.reset(); // forged leases are taken out, and a wiped set is empty
    }
    news_.push_back({chain_.revision, 0, repaired});
    if (tell_now) {
      deliver();
    }
  }
  void refuse() {
    news_.push_back({chain_.revision, ENOMEM, false});
    deliver();
  }
  // All reports that wait, in order; or the newest first.
  void deliver(bool newest_first = false) {
    while (!news_.empty()) {
      const auto which = newest_first ? news_.end() - 1 : news_.begin();
      core::StoreReport report;
      report.revision = which->revision;
      report.error = which->error;
      report.in_sync = which->error == 0;
      report.repaired = report.lease_lost = which->repaired;
      news_.erase(which);
      run(gate_.on_report(report, now_));
      check();
    }
  }

  // Others' doing, unnoticed before the next commit().
  void wipe() {
    tamper([this] { table_ = false, lease_until_.reset(); });
  }
  void forge_lease() {
    tamper([this] { lease_until_ = now_ + std::chrono::hours(1); });
  }
  void forge_chain(ChainForm form) {
    tamper([this, form] { chain_.form = form; });
  }
  void take_lease() {
    tamper([this] { lease_until_.reset(); });
  }

  enum class Pulses {
    work,
    ignored, // neither effect nor answer
    silent,  // a renew has its effect, but no answer; a revoke neither
  };
  void pulses(Pulses pulses) { pulses_ = pulses; }

  // What a load balancer's SYN meets.
  [[nodiscard]] bool table_lets_in() const {
    return !table_ || (chain_.form == ChainForm::open && lease_until_ && now_ < *lease_until_);
  }
  [[nodiscard]] bool lets_in() const { return table_lets_in() && passing_ && !shut_; }
  [[nodiscard]] bool passing() const { return passing_; }
  [[nodiscard]] bool shut() const { return shut_; }
  [[nodiscard]] bool verdict() const { return verdict_; }
  [[nodiscard]] TimePoint now() const { return now_; }
  [[nodiscard]] const Reconciler& gate() const { return gate_; }
  [[nodiscard]] Reconciler& gate() { return gate_; }
  // Everything that was done since this was asked last.
  std::vector<Action> take_actions() { return std::exchange(actions_, {}); }
  void forget_actions() { actions_.clear(); }

  // Adopted: as the predecessor left it.
  void adopt(Duration remaining) {
    gate_ = Reconciler(lease);
    gate_.adopt(now_, remaining);
    decided_open_ = now_ - lease + remaining;
    verdict_ = passing_ = true;
    chain_.form = ChainForm::open;
    lease_until_ = now_ + remaining;
  }

  // No more faults: one round of an ordinary second, in which the last decision is confirmed.
  void calm_second() {
    pulses_ = Pulses::work;
    commit();
    decide(verdict_);
    commit();
    advance(std::chrono::seconds(1));
  }

  friend auto operator<=>(const GateWorld&, const GateWorld&) = default;

private:
  struct Chain {
    ChainForm form = ChainForm::closed;
    std::uint64_t revision = 1;
    friend auto operator<=>(const Chain&, const Chain&) = default;
  };
  struct News {
    std::uint64_t revision = 0;
    int error = 0;
    bool repaired = false;
    friend auto operator<=>(const News&, const News&) = default;
  };

  template <typename Change> void tamper(Change change) {
    tampered_ = true;
    change();
    check();
  }

  core::PulseResult renew() {
    EXPECT_TRUE(gate_.wants_open()) << "a renew while closed is wanted";
    EXPECT_LT(now_ - decided_open_, lease) << "a renew on a stale decision";
    if (pulses_ == Pulses::ignored || !table_) {
      return {};
    }
    lease_until_ = now_ + lease;
    return {pulses_ == Pulses::work ? PulseAnswer::acknowledged : PulseAnswer::unanswered, 0, {}};
  }
  core::PulseResult revoke() {
    if (pulses_ != Pulses::work || !table_) {
      return {};
    }
    lease_until_.reset();
    return {PulseAnswer::acknowledged, 0, std::chrono::microseconds(1)};
  }

  void run(const Reconciler::Actions& actions) {
    for (const auto action : actions) {
      actions_.push_back(action);
      switch (action) {
      case Action::revoke:
        run(gate_.on_revoked(revoke()));
        break;
      case Action::renew:
        run(gate_.on_renewed(renew(), now_));
        break;
      case Action::publish:
        desired_ = Chain{gate_.form(), ++revision_};
        gate_.on_published(revision_);
        break;
      case Action::filter_all:
        passing_ = false;
        break;
      case Action::filter_allowed:
        passing_ = true;
        break;
      case Action::shut:
        shut_ = true;
        break;
      case Action::listen:
        shut_ = false;
        break;
      case Action::reset_connections:
        break;
      case Action::verify:
        verify_asked_ = true;
        break;
      }
    }
  }

  void check() const {
    ASSERT_EQ(gate_.passing(), passing_);
    ASSERT_EQ(gate_.shut(), shut_);
    if (!verdict_ || !gate_.wants_open()) {
      ASSERT_FALSE(lets_in()) << "open while closed is wanted";
    }
    switch (gate_.applied()) {
    case core::Applied::unknown:
      break;
    case core::Applied::closed:
      ASSERT_FALSE(lets_in()) << "open while closed is claimed";
      break;
    case core::Applied::open:
      // Nobody can know what others have done and what happened while we were stopped.
      if (!tampered_ && news_.empty() && now_ < gate_.lease_end()) {
        ASSERT_TRUE(lets_in()) << "closed while open is claimed";
      }
      break;
    }
    if (lease_until_ && !tampered_) {
      ASSERT_LE(*lease_until_, decided_open_ + 2 * lease) << "a lease that no decision stands behind";
    }
  }

  Reconciler gate_{lease};
  bool verdict_ = false;
  TimePoint now_{std::chrono::hours(1)};
  TimePoint decided_open_{};

  bool table_ = true;
  Chain chain_;
  std::optional<Chain> desired_;
  std::optional<TimePoint> lease_until_;
  Pulses pulses_ = Pulses::work;
  bool passing_ = false;
  bool shut_ = false;

  std::uint64_t revision_ = 1;
  bool tampered_ = false; // and not noticed yet
  bool verify_asked_ = false;
  std::vector<News> news_; // not told yet
  std::vector<Action> actions_;
};

} // namespace healthgate::test
