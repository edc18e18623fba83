// Gate: what is recorded and told of it.
#include "app/gate.hpp"
#include "base/log.hpp"
#include "base/utc_time.hpp"
#include "core/duration_text.hpp"

#include <algorithm>
#include <utility>

namespace healthgate::app {
namespace {

namespace log = base::log;

std::string microseconds_text(core::Duration duration) {
  return std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(duration).count());
}

double seconds_of(core::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

} // namespace

// Once per streak, not per probe.
void Gate::note_streak(std::size_t index, const core::ProbeResult& result) const {
  log::info("gate " + config_.name + ": probe " + (result.passed ? "passes" : "fails") + ": " + result.detail,
            {{"gate", config_.name},
             {"probe", config_.probes[index].name},
             {"class", std::string(core::to_string(result.failure))}});
}

void Gate::record(bool open, const std::string& reason, const std::string& evidence,
                  const std::string& actor) {
  const auto now = services_.loop.now();
  core::TransitionSnapshot transition;
  transition.gate = config_.name;
  transition.at = now.wall;
  transition.mono = now.mono;
  transition.from = open ? "closed" : "open";
  transition.to = open ? "open" : "closed";
  transition.reason = reason;
  transition.evidence = evidence;
  transition.actor = actor;
  transition.probes = last_results();
  if (const auto revoke = reconciler_.times().revoke) {
    transition.revoke_seconds = seconds_of(*revoke);
  }
  damper_.on_transition(now.mono);
  since_ = now.wall;
  reason_ = evidence;
  show_comment(transition.to);
  ++transitions_[{transition.to, reason}];
  commit_open_ = true;
  log::info(
      "gate " + config_.name + (open ? " opens: " : " closed: ") + evidence,
      {{"gate", config_.name},
       {"verdict", transition.to},
       {"from", transition.from},
       {"reason", reason},
       {"revoke_us", open ? "" : microseconds_text(reconciler_.times().revoke.value_or(core::Duration{}))}});
  services_.transition(transition);
  history_.add(std::move(transition));
}

// The results that led here: of each probe as many as its streak takes, and the one before them.
std::vector<core::ProbeResult> Gate::last_results() const {
  constexpr int most = 5; // of one probe
  std::vector<core::ProbeResult> results;
  for (std::size_t index = 0; index < probes_.size(); ++index) {
    const auto& terms = config_.probes[index];
    const int streak = std::max(terms.rise.value_or(config_.rise), terms.fall.value_or(config_.fall));
    for (auto& result : probes_[index]->recent(static_cast<std::size_t>(std::min(streak + 1, most)))) {
      if (probes_.size() > 1) {
        result.detail.insert(0, terms.name + ": ");
      }
      results.push_back(std::move(result));
    }
  }
  return results;
}

// The last that is remembered of this gate is that it was open, and now it is closed: nobody was there to say
// when that happened, but whoever reads the history must not conclude that it was open all the time.
void Gate::note_unclean_end() {
  const auto* const latest = history_.latest();
  if (latest == nullptr || latest->to != "open") {
    return;
  }
  const auto now = services_.loop.now();
  core::TransitionSnapshot end;
  end.gate = config_.name;
  end.at = now.wall;
  end.mono = now.mono;
  end.from = "open";
  end.to = "closed";
  end.reason = "start";
  end.evidence =
      "the daemon before this one ended without closing the gate (killed, crashed, or power lost): "
      "it closed by itself when its lease of " +
      core::duration_text(config_.lease) + " ran out";
  history_.add(std::move(end));
}

// No transition: the verdict stays as it is, for another reason.
void Gate::note_override(const std::string& evidence, const std::string& who) {
  const auto now = services_.loop.now();
  core::TransitionSnapshot change;
  change.gate = config_.name;
  change.at = now.wall;
  change.mono = now.mono;
  change.from = change.to = reconciler_.wants_open() ? "open" : "closed";
  change.reason = "override";
  change.evidence = evidence;
  change.actor = who;
  (void)verdict(change.reason, change.evidence, change.actor); // only for its words
  change.probes = last_results();
  reason_ = override_.effective() ? change.evidence : last_evidence_;
  show_comment(change.to);
  history_.add(std::move(change));
  commit_open_ = false; // the latest entry is no transition now
  reconciler_.on_published(services_.publisher.request());
}

// An open gate whose table somebody has touched stays open to them while it is being mended: they follow the
// verdict and what has come of it, not every repair.
void Gate::tell_neighbours() {
  if (!started_ || stopping_) {
    return;
  }
  admitted_ = reconciler_.wants_open() && (is_open() || (admitted_ && reconciler_.passing()));
  GateNews news;
  news.gate = config_.name;
  news.port = config_.port;
  news.open = admitted_;
  news.since = since_;
  news.reason = reason_;
  if (const auto effective = override_.effective()) {
    news.override_kind = core::to_string(effective->kind);
    news.override_who = effective->who;
  }
  neighbours_.tell(news);
}

// What the chain says of itself, from its next publication on.
void Gate::show_comment(const std::string& state) {
  comment_ = state + " since " + base::utc_seconds(since_) + ": " + reason_;
}

// No transition: the verdict stays, but a load balancer may have been refused until the repair.
void Gate::note_foreign_change(const core::StoreReport& report) {
  const auto now = services_.loop.now();
  core::TransitionSnapshot change;
  change.gate = config_.name;
  change.at = now.wall;
  change.mono = now.mono;
  change.from = change.to = "open";
  change.reason = "foreign-change";
  change.evidence = "the table was changed by another program and repaired: " + report.what;
  change.actor = report.writer;
  change.commit_seconds = seconds_of(report.took);
  history_.add_foreign_change(std::move(change));
  commit_open_ = false; // the latest entry is no transition now
}

void Gate::restore_history(const std::vector<core::TransitionSnapshot>& oldest_first) {
  history_.restore(oldest_first);
}

std::string Gate::state() const {
  using core::Applied;
  const bool wanted = reconciler_.wants_open();
  switch (reconciler_.applied()) {
  case Applied::open:
    return wanted ? "open" : "closing";
  case Applied::unknown:
    return "unknown";
  case Applied::closed:
    break;
  }
  if (wanted) {
    return "opening";
  }
  const bool probed = std::all_of(probes_.begin(), probes_.end(),
                                  [](const auto& probe) { return probe->last().has_value(); });
  return probed ? "closed" : "starting";
}

core::GateSnapshot Gate::snapshot() const {
  const auto now = services_.loop.now();
  core::GateSnapshot snapshot;
  snapshot.name = config_.name;
  snapshot.port = config_.port;
  snapshot.wanted_open = reconciler_.wants_open();
  snapshot.applied = reconciler_.applied();
  snapshot.state = state();
  snapshot.since = since_;
  snapshot.reason = reason_;
  snapshot.port_problem = port_problem_;
  snapshot.lease_seconds = seconds_of(config_.lease);
  if (margin_) {
    snapshot.lease_margin_seconds = seconds_of(*margin_);
  }
  if (const auto effective = override_.effective()) {
    snapshot.override_ = core::OverrideSnapshot{core::to_string(effective->kind), effective->since,
                                                effective->until, effective->who, effective->reason};
  }
  if (hold_until_ && *hold_until_ > now.mono) {
    snapshot.flap_until = now.wall + (*hold_until_ - now.mono);
  }
  for (std::size_t index = 0; index < probes_.size(); ++index) {
    auto probe = probes_[index]->snapshot();
    probe.passing = decider_.passing(index);
    probe.since = passing_since_[index];
    probe.streak = decider_.streak(index);
    const auto& terms = config_.probes[index];
    probe.needed =
        probe.passing.value_or(false) ? terms.fall.value_or(config_.fall) : terms.rise.value_or(config_.rise);
    snapshot.probes.push_back(std::move(probe));
  }
  snapshot.require = config_.require;
  snapshot.transitions = transitions_;
  snapshot.history = history_.newest_first();
  constexpr std::size_t shown = 8;
  for (const auto* list : {&allow().v4(), &allow().v6()}) {
    for (std::size_t index = 0; index < list->size() && snapshot.allow.size() < shown; ++index) {
      snapshot.allow.push_back((*list)[index].to_string());
    }
  }
  snapshot.allow_size = allow().size();
  if (guard_) {
    snapshot.guard = guard_->snapshot();
  }
  return snapshot;
}

} // namespace healthgate::app
