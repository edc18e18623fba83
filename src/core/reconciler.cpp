#include "core/reconciler.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace healthgate::core {
namespace {

// The kernel's lease begins when the pulse is sent, which is after the time at which the loop woke.
constexpr Duration late_pulse = std::chrono::milliseconds(50);

// A decision's own renew, and one that makes good what somebody else destroyed.
constexpr int renewals_a_decision = 2;

} // namespace

using Action = Reconciler::Action;

void Reconciler::start() {
  installed_ = true;
  form_proven_ = true;
}

void Reconciler::adopt(TimePoint now, Duration remaining) {
  start();
  wanted_ = true;
  adopted_ = true;
  passing_ = true;
  wanted_since_ = last_seen_ = now;
  held_until_ = last_end_ = now + remaining;
  may_hold_until_ = now + remaining + late_pulse;
}

Applied Reconciler::applied() const {
  if (!installed_) {
    return Applied::unknown;
  }
  if (!may_hold_until_ || (!wanted_ && form_proven_ && !doubted_)) {
    return Applied::closed;
  }
  return wanted_ && form_proven_ && !doubted_ && held_until_ ? Applied::open : Applied::unknown;
}

// Nobody has told us anything for a lease: we were stopped, or the machine was. The kernel has closed the
// gate meanwhile, by a clock that may have run on or not, and what was decided last is too old to open it.
void Reconciler::notice_gap(TimePoint now) {
  const bool gap = now - last_seen_ >= lease_;
  last_seen_ = now;
  if (gap && wanted_) {
    held_until_.reset();
    renewals_left_ = 0;
    stale_ = true;
  }
}

Reconciler::Actions Reconciler::decide(bool open, TimePoint now) {
  notice_gap(now);
  pulse_failed_ = false; // worth another try
  if (open != wanted_) {
    return change(open, now);
  }
  if (!open) {
    return hold_closed();
  }
  if (std::exchange(stale_, false)) {
    return {};
  }
  adopted_ = false;
  decided_ = now;
  renewals_left_ = renewals_a_decision;
  return hold_open(now);
}

// The revoke comes before all else, its answer decides what follows.
Reconciler::Actions Reconciler::change(bool open, TimePoint now) {
  wanted_ = open;
  wanted_since_ = decided_ = now;
  adopted_ = stale_ = false;
  renewals_left_ = open ? renewals_a_decision : 0;
  form_proven_ = false;
  form_revision_.reset();
  times_ = {};
  return open ? Actions{Action::publish} : Actions{Action::revoke, Action::publish};
}

Reconciler::Actions Reconciler::hold_open(TimePoint now) {
  const bool table_is_away = doubted_ && !passing_; // nothing answers, and the filter stays as it is
  if (!form_proven_ || table_is_away || renewals_left_ == 0 || !renew_due(now)) {
    return {};
  }
  assert(wanted_ && now - decided_ < lease_);
  --renewals_left_;
  may_hold_until_ = now + lease_ + late_pulse;
  if (std::exchange(passing_, true)) {
    return {Action::renew};
  }
  return {Action::filter_allowed, Action::renew};
}

// Once a second is enough for a long lease; a short one wants more.
bool Reconciler::renew_due(TimePoint now) const {
  const auto spacing = std::min<Duration>(std::chrono::seconds(1), lease_ / 3);
  return !held_until_ || !renewed_at_ || now >= *renewed_at_ + spacing;
}

// Also makes the listener listen again, once nothing is left that could let a connect through.
Reconciler::Actions Reconciler::hold_closed() {
  if (may_hold_until_) {
    return {Action::revoke};
  }
  if (!shut_ || !form_proven_) {
    return {};
  }
  shut_ = false;
  return {Action::listen};
}

Reconciler::Actions Reconciler::on_renewed(const PulseResult& result, TimePoint now) {
  assert(wanted_);
  pulse_failed_ = result.answer == PulseAnswer::unanswered;
  if (pulse_failed_) {
    held_until_.reset();
    return {Action::verify};
  }
  renewed_at_ = now;
  held_until_ = last_end_ = now + lease_;
  if (!shut_) {
    return {};
  }
  shut_ = false;
  return {Action::listen};
}

Reconciler::Actions Reconciler::on_revoked(const PulseResult& result) {
  assert(!wanted_);
  pulse_failed_ = result.answer == PulseAnswer::unanswered;
  times_.revoke = times_.revoke.value_or(result.took);
  held_until_.reset();
  if (pulse_failed_) {
    return give_up_listening();
  }
  may_hold_until_.reset();
  auto actions = hold_closed();
  if (std::exchange(passing_, false)) {
    actions.insert(actions.begin(), {Action::filter_all, Action::reset_connections});
  }
  return actions;
}

Reconciler::Actions Reconciler::give_up_listening() {
  if (!passing_ && !shut_) {
    // The filter drops everything as it is. While our table is away, refusing would answer strangers too.
    return {Action::verify};
  }
  Actions actions;
  if (!std::exchange(shut_, true)) {
    actions.push_back(Action::shut);
  }
  if (std::exchange(passing_, false)) {
    actions.insert(actions.end(), {Action::filter_all, Action::reset_connections});
  }
  actions.push_back(Action::verify);
  return actions;
}

Reconciler::Actions Reconciler::on_report(const StoreReport& report, TimePoint now) {
  notice_gap(now);
  const bool lost = report.lease_lost || report.revision == 0;
  if (lost) {
    held_until_.reset();
    may_hold_until_ = now + lease_ + late_pulse; // nobody knows what the lease set holds
  }
  doubted_ = !report.in_sync && (report.error != 0 || report.revision < form_revision_.value_or(1));
  if (report.in_sync && !form_proven_ && form_revision_ && report.revision >= *form_revision_) {
    installed_ = form_proven_ = true;
    times_.commit = report.took;
  }
  // A pulse that failed is tried again at the next decision, so that a kernel that answers none does not keep
  // us busy; or now, if what was in its way has been repaired.
  if (pulse_failed_ && !report.repaired) {
    return {};
  }
  if (!wanted_) {
    return hold_closed();
  }
  return !held_until_ && now - decided_ < lease_ ? hold_open(now) : Actions{};
}

Reconciler::Actions Reconciler::on_time(TimePoint now) {
  notice_gap(now);
  if (held_until_ && now >= *held_until_) {
    held_until_.reset();
  }
  if (wanted_) {
    return adopted_ && !held_until_ ? change(false, now) : let_lapse(now);
  }
  if (may_hold_until_ && now >= *may_hold_until_) {
    may_hold_until_.reset();
    return hold_closed();
  }
  const bool proven = !may_hold_until_ || form_proven_;
  return !proven && !shut_ && passing_ && now >= wanted_since_ + patience ? give_up_listening() : Actions{};
}

// Open is wanted, somebody is let in by the socket filter, and no chain and no lease of ours is known to
// agree.
bool Reconciler::passes_alone() const {
  return wanted_ && passing_ && !held_until_ && (pulse_failed_ || doubted_);
}

// The lease that was known last would have ended, and no renew was acknowledged since.
Reconciler::Actions Reconciler::let_lapse(TimePoint now) {
  if (!passes_alone() || now < last_end_) {
    return {};
  }
  passing_ = false;
  return {Action::filter_all};
}

std::optional<TimePoint> Reconciler::next_deadline() const {
  if (wanted_) {
    return passes_alone() ? last_end_ : held_until_;
  }
  const bool impatient = may_hold_until_ && !form_proven_ && !shut_ && passing_;
  return impatient ? std::min(*may_hold_until_, wanted_since_ + patience) : may_hold_until_;
}

} // namespace healthgate::core
