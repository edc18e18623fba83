#include "core/reconciler.hpp"

#include <algorithm>

namespace healthgate::core {

using Action = Reconciler::Action;

void Reconciler::adopt(TimePoint now, Duration remaining) {
  wanted_ = true;
  applied_ = Applied::open;
  lease_end_ = now + remaining;
}

// Once a second is enough for the metrics and the auditor; a short lease wants more.
Duration Reconciler::spacing() const {
  return std::min<Duration>(std::chrono::seconds(1), lease_ / 3);
}

Reconciler::Actions Reconciler::decide(bool open, TimePoint now) {
  decided_ = now;
  pulse_failed_ = false;
  if (open == wanted_) {
    if (open) {
      return open_if_proven(now);
    }
    return applied_ == Applied::closed ? Actions{} : Actions{Action::revoke};
  }
  wanted_ = open;
  form_proven_ = false;
  // The revoke comes before all else: its answer decides what follows.
  return open ? Actions{Action::publish} : Actions{Action::revoke, Action::publish};
}

Reconciler::Actions Reconciler::on_published(std::uint64_t revision) {
  form_revision_ = revision;
  return {};
}

Reconciler::Actions Reconciler::open_if_proven(TimePoint now) {
  if (!form_proven_) {
    return {};
  }
  if (applied_ == Applied::open && !shut_) {
    const bool due = !lease_end_ || now >= *lease_end_ - lease_ + spacing();
    return due ? Actions{Action::renew} : Actions{};
  }
  return {Action::filter_allowed, Action::renew};
}

Reconciler::Actions Reconciler::on_renewed(const PulseResult& result, TimePoint now) {
  if (result.answer == PulseAnswer::unanswered) {
    applied_ = Applied::unknown;
    pulse_failed_ = true;
    return {Action::verify};
  }
  applied_ = Applied::open;
  lease_end_ = now + lease_;
  if (!shut_) {
    return {};
  }
  shut_ = false;
  return {Action::listen};
}

Reconciler::Actions Reconciler::on_revoked(const PulseResult& result) {
  if (result.answer == PulseAnswer::acknowledged) {
    applied_ = Applied::closed;
    lease_end_.reset();
    Actions actions{Action::filter_all, Action::reset_connections};
    if (shut_ && form_proven_) {
      shut_ = false;
      actions.push_back(Action::listen);
    }
    return actions;
  }
  applied_ = Applied::unknown;
  pulse_failed_ = true;
  shut_ = true;
  return {Action::shut, Action::filter_all, Action::reset_connections, Action::verify};
}

Reconciler::Actions Reconciler::on_report(const StoreReport& report, TimePoint now) {
  if (report.revision == 0 || report.lease_lost) {
    applied_ = Applied::unknown;
    lease_end_.reset();
  }
  if (report.revision == 0) {
    return {}; // nothing is known; the store goes on trying and reports again
  }
  if (report.revision >= form_revision_) {
    form_proven_ = true;
  }
  // A pulse that failed is tried again at the next decision, so that a kernel that answers none does not keep
  // us busy; or now, if what was in its way has been repaired.
  if (pulse_failed_ && !report.repaired) {
    return {};
  }
  pulse_failed_ = false;
  if (!wanted_) {
    const bool settled = applied_ == Applied::closed && !(shut_ && form_proven_);
    return settled ? Actions{} : Actions{Action::revoke};
  }
  const bool fresh = now - decided_ < lease_;
  return applied_ != Applied::open && fresh ? open_if_proven(now) : Actions{};
}

} // namespace healthgate::core
