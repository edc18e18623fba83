#include "app/gate.hpp"

#include "base/log.hpp"
#include "base/utc_time.hpp"
#include "core/duration_text.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace healthgate::app {
namespace {

namespace log = base::log;

constexpr std::size_t history_limit = 100;

core::GateDecider::Settings decider_settings(const config::GateConfig& config) {
  core::GateDecider::Settings settings;
  for (const auto& probe : config.probes) {
    settings.probes.push_back(
        {probe.rise.value_or(config.rise), probe.fall.value_or(config.fall), probe.soft});
  }
  settings.require = config.require;
  settings.soft_grace = config.soft_grace;
  settings.min_open = config.min_open;
  return settings;
}

} // namespace

Gate::Gate(config::GateConfig config, GateServices services)
    : config_(std::move(config)), services_(std::move(services)), decider_(decider_settings(config_)),
      damper_({config_.flap_limit, config_.flap_window}), reconciler_(config_.lease),
      history_(history_limit, services_.save_history), neighbours_(services_.loop, services_.write_file),
      listener_(services_.loop), since_(services_.loop.now().wall),
      bind_backoff_(std::chrono::milliseconds(200), std::chrono::seconds(5)) {
  reason_ = "not probed yet";
  comment_ = "closed since " + base::utc_seconds(since_) + ": " + reason_;
  make_probes();
  make_guard(true);
  neighbours_.configure(config_);
}

Gate::~Gate() {
  services_.loop.cancel(bind_timer_);
  services_.loop.cancel(deadline_timer_);
}

void Gate::make_probes() {
  probes_.clear();
  passing_since_.assign(config_.probes.size(), std::nullopt);
  for (std::size_t index = 0; index < config_.probes.size(); ++index) {
    probes_.push_back(std::make_unique<ProbeTask>(
        config_, config_.probes[index], services_.probes, services_.random,
        [this, index](const core::ProbeResult& result) { return judge(index, result); }));
  }
  watch_pid_file();
}

void Gate::watch_pid_file() {
  pid_watch_.reset();
  pid_problem_.clear();
  if (config_.watch_pid_file.empty()) {
    return;
  }
  pid_watch_ = std::make_unique<probe::PidFileWatch>(
      services_.loop, config_.watch_pid_file, [this](const std::string& why) {
        log::debug("gate " + config_.name + ": " + why, {{"gate", config_.name}});
        for (std::size_t index = 0; started_ && index < probes_.size(); ++index) {
          probes_[index]->hint();
        }
      });
}

// The service lives, so its pid file can be taken at its word; said once when it cannot.
void Gate::refresh_pid_watch() {
  if (!pid_watch_) {
    return;
  }
  pid_watch_->refresh();
  if (pid_watch_->problem() != pid_problem_) {
    pid_problem_ = pid_watch_->problem();
    log::info("gate " + config_.name + ": watch-pid-file: " +
                  (pid_problem_.empty() ? "process " + std::to_string(pid_watch_->watched()) + " is watched"
                                        : pid_problem_ + "; its end is noticed by the probes alone"),
              {{"gate", config_.name}});
  }
}

// --- life ---

void Gate::start(base::UniqueFd listener) {
  reconciler_.start();
  note_unclean_end();
  adopt(std::move(listener));
  if (listener_.state() == listener::Listener::State::unbound) {
    bind();
  } else {
    tell(listener_.filter_all());
  }
  started_ = true;
  last_result_ = services_.loop.now().mono;
  look_at_drain_file();
  for (const auto& probe : probes_) {
    probe->start();
  }
  if (guard_) {
    guard_->start();
  }
  follow_override("", "");
}

void Gate::start_adopted(std::chrono::milliseconds remaining, std::string comment, base::UniqueFd listener) {
  const auto now = services_.loop.now();
  decider_ = core::GateDecider(decider_settings(config_), core::Health::open);
  trusts_adopted_ = true;
  reconciler_.adopt(now.mono, remaining);
  read_comment(std::move(comment));
  adopt(std::move(listener));
  if (listener_.state() == listener::Listener::State::unbound) {
    bind();
  }
  if (listener_.state() == listener::Listener::State::listening) {
    tell(listener_.filter_allowed(allow()));
  }
  started_ = true;
  last_result_ = now.mono;
  look_at_drain_file();
  for (const auto& probe : probes_) {
    probe->probe_now();
  }
  if (guard_) {
    guard_->start();
  }
  follow_override("", "");
}

void Gate::stop(config::OnStop how, const std::string& reason, const std::string& evidence) {
  pid_watch_.reset();
  probes_.clear();
  services_.loop.cancel(std::exchange(bind_timer_, 0));
  if (how == config::OnStop::close && started_) {
    if (reconciler_.wants_open()) {
      record(false, reason, evidence, "");
    }
    carry_out(reconciler_.decide(false, services_.loop.now().mono));
    if (guard_) {
      guard_->lift();
    }
  }
  tell_neighbours();
  stopping_ = true;
  services_.loop.cancel(std::exchange(deadline_timer_, 0));
}

// "open since 2026-11-22T02:05:42Z: HTTP 200"
void Gate::read_comment(std::string comment) {
  static const std::string lead = "open since ";
  static const std::size_t time_length = std::strlen("2026-11-22T02:05:42Z");
  reason_ = "taken over from a predecessor";
  if (comment.compare(0, lead.size(), lead) != 0 || comment.size() < lead.size() + time_length + 2) {
    return;
  }
  if (const auto since = base::read_utc(comment.substr(lead.size(), time_length))) {
    since_ = *since;
    reason_ = comment.substr(lead.size() + time_length + 2);
    comment_ = std::move(comment);
  }
}

void Gate::suspend() {
  stopping_ = true;
  if (guard_) {
    guard_->suspend();
  }
  services_.loop.cancel(std::exchange(bind_timer_, 0));
  services_.loop.cancel(std::exchange(deadline_timer_, 0));
}

// The successor that did not come may have changed the filter and the table; the store reports on the latter.
void Gate::resume() {
  stopping_ = false;
  if (listener_.state() == listener::Listener::State::unbound) {
    bind();
  } else {
    tell(reconciler_.passing() ? listener_.filter_allowed(allow()) : listener_.filter_all());
  }
  if (guard_) {
    guard_->resume();
  }
  on_time();
}

void Gate::reconfigure(config::GateConfig config, bool new_probes) {
  const bool other_allow = !(*config_.allow == *config.allow);
  const bool other_drain_file = config_.drain_file != config.drain_file;
  const auto old_limit = std::pair(config_.flap_limit, config_.flap_window);
  config_ = std::move(config);
  reconciler_.set_lease(config_.lease);
  if (old_limit != std::pair(config_.flap_limit, config_.flap_window)) {
    damper_ = core::FlapDamper({config_.flap_limit, config_.flap_window});
  }
  make_guard(new_probes);
  if (other_allow && reconciler_.wants_open()) {
    tell(listener_.filter_allowed(allow()));
  }
  if (other_drain_file) {
    look_at_drain_file();
    follow_override("another drain-file", "");
  }
  if (new_probes) {
    decider_ = core::GateDecider(decider_settings(config_), decider_.health());
    make_probes();
    for (const auto& probe : probes_) {
      probe->probe_now();
    }
  }
  neighbours_.configure(config_);
  reconciler_.on_published(services_.publisher.request());
  settle();
}

void Gate::bind() {
  const auto status = listener_.bind(config_.port);
  if (status) {
    if (!port_problem_.empty()) {
      log::info("port " + std::to_string(config_.port) + " bound at last", {{"gate", config_.name}});
    }
    port_problem_.clear();
    bind_backoff_.succeed();
    return;
  }
  const auto problem = status.error().to_string();
  if (problem != port_problem_) {
    log::warning("gate " + config_.name + " stays closed: " + problem, {{"gate", config_.name}});
    port_problem_ = problem;
  }
  bind_timer_ = services_.loop.at(services_.loop.now().mono + bind_backoff_.fail(), [this] {
    bind_timer_ = 0;
    bind();
    decide("port", "port bound", "");
    settle();
  });
}

// A socket that is bound to another port than ours is closed: the configuration has changed meanwhile.
void Gate::adopt(base::UniqueFd listener) {
  if (!listener.valid()) {
    return;
  }
  tell(listener_.adopt(std::move(listener)));
  if (listener_.state() != listener::Listener::State::unbound && listener_.port() != config_.port) {
    listener_.release().reset();
  }
  if (listener_.state() == listener::Listener::State::shut) {
    tell(listener_.filter_all());
    tell(listener_.listen_again());
  }
}

// --- what moves it ---

core::Schedule::Pace Gate::judge(std::size_t index, const core::ProbeResult& result) {
  if (stopping_) { // a successor decides
    return core::Schedule::Pace::steady;
  }
  const auto now = services_.loop.now().mono;
  const auto timeout = config_.probes[index].timeout.value_or(config_.timeout);
  const bool overdue = result.took >= timeout + config_.lease; // its deadline could not strike
  const auto pause = now - last_result_;
  last_result_ = now;
  if (overdue || (reconciler_.wants_open() && pause >= config_.lease)) {
    notice_silence(std::max(result.took, pause)); // and drop what may have been found before it
    settle();
    return core::Schedule::Pace::fast;
  }
  if (result.passed) {
    refresh_pid_watch();
  }
  const auto streak_before = decider_.streak(index);
  const auto passing_before = decider_.passing(index);
  const auto decision = decider_.on_result(index, result, now);
  if (passing_before != decider_.passing(index)) {
    passing_since_[index] = services_.loop.now().wall;
  }
  if (!passing_before || (streak_before == 0 && decider_.streak(index) == 1)) {
    note_streak(index, result);
  }
  last_evidence_ = evidence_of(decision);
  if (guard_) {
    guard_->on_result(index, result, decision.health);
  }
  if (trusts_adopted_ && !result.passed && decision.health == core::Health::open && !override_.effective()) {
    settle(); // what a predecessor found is not renewed by a probe that failed
    return core::Schedule::Pace::fast;
  }
  trusts_adopted_ = false;
  // A probe that passes as before is not why the gate is closed.
  const bool other_one = decision.health == core::Health::closed &&
                         decision.change != core::Change::changed &&
                         decider_.passing(index).value_or(false) && result.passed;
  decide("probe", other_one ? "" : last_evidence_, "");
  settle();
  if (decision.change == core::Change::pending) {
    return core::Schedule::Pace::fast;
  }
  return decision.health == core::Health::closed ? core::Schedule::Pace::down : core::Schedule::Pace::steady;
}

std::string Gate::evidence_of(const core::Decision& decision) const {
  return (probes_.size() > 1 ? config_.probes[decision.probe].name + ": " : "") + decision.evidence;
}

// No result came for a lease: the process was stopped, or the machine was. The kernel has closed the gate
// meanwhile, and what was known before is worth nothing: begin again.
void Gate::notice_silence(core::Duration silent) {
  decider_ = core::GateDecider(decider_settings(config_));
  trusts_adopted_ = false;
  decide("lease", "the daemon did not run for " + core::duration_text(silent), "");
}

void Gate::on_report(const core::StoreReport& report) {
  if (!started_ || stopping_) {
    return;
  }
  if (report.repaired && reconciler_.wants_open()) {
    note_foreign_change(report);
  }
  const auto before = reconciler_.times().commit;
  carry_out(reconciler_.on_report(report, services_.loop.now().mono));
  if (commit_open_ && !before && reconciler_.times().commit) {
    commit_open_ = false;
    history_.complete(std::chrono::duration<double>(*reconciler_.times().commit).count());
    services_.completed(*history_.latest());
  }
  if (guard_) {
    guard_->on_report(report);
  }
  settle();
}

void Gate::probe_now() {
  for (const auto& probe : probes_) {
    probe->probe_now();
  }
}

void Gate::probe_now(std::function<void(std::size_t, const core::ProbeResult&)> call) {
  for (std::size_t index = 0; index < probes_.size(); ++index) {
    probes_[index]->probe_now();
    probes_[index]->on_next_result([call, index](const core::ProbeResult& result) { call(index, result); });
  }
}

// --- deciding ---

// What everything together says; fills in whose word it is when that is not the caller's.
bool Gate::verdict(std::string& reason, std::string& evidence, std::string& actor) {
  hold_until_.reset();
  const auto now = services_.loop.now();
  if (listener_.state() == listener::Listener::State::unbound) {
    reason = "port";
    evidence = port_problem_;
    return false;
  }
  if (const auto effective = override_.effective()) {
    reason = core::to_string(effective->kind);
    evidence = std::string(core::to_string(effective->kind)) + " by " + effective->who +
               (effective->reason.empty() ? "" : ": " + effective->reason);
    actor = effective->who;
    return effective->kind == core::OverrideKind::force_open;
  }
  if (decider_.health() == core::Health::closed) {
    return false;
  }
  if (reconciler_.wants_open()) {
    return true;
  }
  hold_until_ = damper_.hold_until(now.mono);
  return !hold_until_;
}

void Gate::decide(const std::string& reason, const std::string& evidence, const std::string& actor) {
  if (!started_ || stopping_) {
    return;
  }
  auto why = reason;
  auto what = evidence;
  auto who = actor;
  const bool open = verdict(why, what, who);
  if (open != reconciler_.wants_open()) {
    const auto actions = reconciler_.decide(open, services_.loop.now().mono);
    // The revoke goes first: what is recorded about it comes after it.
    const bool revoke_first = !actions.empty() && actions.front() == core::Reconciler::Action::revoke;
    if (revoke_first) {
      carry_out(core::Reconciler::Action::revoke);
    }
    record(open, why, what.empty() ? last_evidence_ : what, who);
    carry_out(Actions(actions.begin() + (revoke_first ? 1 : 0), actions.end()));
    return;
  }
  if (!open && !what.empty() && (reason == "probe" || why != reason)) {
    reason_ = what; // why it is still closed
  }
  if (open && trusts_adopted_ && !override_.effective()) {
    return; // a predecessor's lease runs on; only a decision of our own renews it
  }
  carry_out(reconciler_.decide(open, services_.loop.now().mono));
}

// --- doing ---

void Gate::carry_out(const Actions& actions) {
  for (const auto action : actions) {
    carry_out(action);
  }
}

void Gate::carry_out(core::Reconciler::Action action) {
  using Action = core::Reconciler::Action;
  switch (action) {
  case Action::revoke:
    carry_out(reconciler_.on_revoked(services_.store.revoke(config_.port)));
    break;
  case Action::renew:
    renew();
    break;
  case Action::publish:
    reconciler_.on_published(services_.publisher.request());
    break;
  case Action::filter_all:
    tell(listener_.filter_all());
    break;
  case Action::filter_allowed:
    tell(listener_.filter_allowed(allow()));
    break;
  case Action::shut:
    tell(listener_.shut());
    break;
  case Action::listen:
    tell(listener_.listen_again());
    break;
  case Action::reset_connections:
    listener_.reset_accepted();
    break;
  case Action::verify:
    services_.store.verify();
    break;
  }
}

void Gate::renew() {
  const auto now = services_.loop.now().mono;
  if (const auto end = reconciler_.lease_end(); end && is_open()) {
    margin_ = std::min(margin_.value_or(*end - now), *end - now);
  }
  carry_out(reconciler_.on_renewed(services_.store.renew(config_.port), now));
}

void Gate::tell(const listener::Listener::Status& status) {
  if (!status) {
    log::error("gate " + config_.name + ": " + status.error().to_string(), {{"gate", config_.name}});
  }
}

// One timer for whatever comes first.
void Gate::settle() {
  follow_guard();
  tell_neighbours();
  services_.loop.cancel(std::exchange(deadline_timer_, 0));
  if (!started_ || stopping_) {
    return;
  }
  const auto now = services_.loop.now();
  auto first = reconciler_.next_deadline();
  const auto consider = [&](std::optional<core::TimePoint> when) {
    if (when) {
      first = first ? std::min(*first, *when) : when;
    }
  };
  consider(decider_.next_deadline());
  consider(hold_until_);
  if (const auto until = override_.next_deadline()) {
    // By the wall clock, which may be stepped: looked at again once a minute.
    consider(now.mono +
             std::clamp<core::Duration>(*until - now.wall, core::Duration::zero(), std::chrono::minutes(1)));
  }
  if (first) {
    deadline_timer_ = services_.loop.at(std::max(*first, now.mono), [this] {
      deadline_timer_ = 0;
      on_time();
    });
  }
}

void Gate::on_time() {
  const auto now = services_.loop.now();
  if (override_.on_time(now.wall)) {
    services_.override_changed(override_.remembered());
    follow_override("override ended by its time", "");
  }
  if (const auto due = decider_.next_deadline(); due && *due <= now.mono) {
    last_evidence_ = evidence_of(decider_.on_time(now.mono));
    decide("probe", last_evidence_, "");
  }
  if (hold_until_ && *hold_until_ <= now.mono) {
    decide("flap", "flapping ended", "");
  }
  const bool wanted = reconciler_.wants_open();
  const auto actions = reconciler_.on_time(now.mono);
  if (wanted && !reconciler_.wants_open()) {
    decider_ = core::GateDecider(decider_settings(config_));
    trusts_adopted_ = false;
    record(false, "lease", "the lease ended before a decision", "");
  }
  carry_out(actions);
  settle();
}

} // namespace healthgate::app
