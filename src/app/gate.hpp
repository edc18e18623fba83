// One gate's glue: probes and administrators decide, the three machines of core/ say what to do, and this
// class does it: pulses, table, listener. Lives on the loop.
//
//   ProbeTask -> GateDecider -> Override, FlapDamper -> Reconciler -> pulse, publisher, listener
//
// A gate whose port is not bound is never opened: what would answer there is somebody else.
// gate.cpp is what it does, gate_override.cpp what administrators want of it, gate_record.cpp what is told of
// it.
#pragma once

#include "app/gate_history.hpp"
#include "app/guard.hpp"
#include "app/neighbours.hpp"
#include "app/probe_task.hpp"
#include "app/ruleset_builder.hpp"
#include "app/ruleset_publisher.hpp"
#include "config/config.hpp"
#include "core/backoff.hpp"
#include "core/flap_damper.hpp"
#include "core/gate_decider.hpp"
#include "core/override.hpp"
#include "core/ports.hpp"
#include "core/reconciler.hpp"
#include "core/snapshot.hpp"
#include "listener/listener.hpp"
#include "loop/inotify.hpp"
#include "probe/pid_file_watch.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace healthgate::app {

// What a gate needs of the daemon. All references outlive it.
struct GateServices {
  loop::EventLoop& loop;
  core::RulesetStore& store;
  RulesetPublisher& publisher;
  probe::Context& probes;
  ProbeTask::Random random;
  // A transition has happened and its close has taken effect, or its open has been begun; or the latest one
  // of this gate is complete now, with the time of its commit.
  std::function<void(const core::TransitionSnapshot&)> transition;
  std::function<void(const core::TransitionSnapshot&)> completed;
  // The order to remember for this gate is another.
  std::function<void(const std::optional<core::OverrideOrder>&)> override_changed;
  GateHistory::Save save_history; // of this gate
  Neighbours::WriteFile write_file;
};

class Gate {
public:
  Gate(config::GateConfig config, GateServices services);
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // --- life; the table must be in place before start() ---
  // The kernel holds this gate closed. `listener` is the one that a predecessor had, or none.
  void start(base::UniqueFd listener = {});
  // A predecessor left it open, and its listener if that is valid.
  void start_adopted(std::chrono::milliseconds remaining, std::string comment, base::UniqueFd listener);
  // Nothing opens it any more. close: revoked, and the listener shut, when this returns. hold: as it is.
  void stop(config::OnStop how, const std::string& reason, const std::string& evidence);
  // A successor may move it now: what is decided meanwhile is dropped, the lease runs on.
  void suspend();
  void resume();
  // The listener's socket, for a successor; -1 while unbound.
  [[nodiscard]] int listener_fd() const { return listener_.fd(); }
  // The same gate with other keys: state, connection and lease stay. `new_probes` says that probers and
  // decider are made anew; the gate keeps its verdict until they have one of their own.
  void reconfigure(config::GateConfig config, bool new_probes);

  // --- what moves it ---
  void on_report(const core::StoreReport& report);
  void probe_now();
  // Calls back with the next result of each probe.
  void probe_now(std::function<void(std::size_t index, const core::ProbeResult&)> call);
  // "" when done, else a sentence why not.
  std::string order(core::OverrideOrder order);
  std::string end_override(const std::string& who);
  // What was remembered over a restart; before start().
  void restore(core::OverrideOrder order);
  void restore_history(const std::vector<core::TransitionSnapshot>& oldest_first);

  // --- what it is ---
  [[nodiscard]] const config::GateConfig& config() const { return config_; }
  [[nodiscard]] GateForm form() const;
  [[nodiscard]] bool is_open() const { return reconciler_.applied() == core::Applied::open; }
  [[nodiscard]] const core::Override& overriding() const { return override_; }
  [[nodiscard]] std::vector<core::TransitionSnapshot> history() const { return history_.newest_first(); }
  [[nodiscard]] core::Reconciler::Times times() const { return reconciler_.times(); }
  // All but what only the kernel knows.
  [[nodiscard]] core::GateSnapshot snapshot() const;
  // A program that is told of this gate still runs: to wait for at the end of life.
  [[nodiscard]] bool neighbours_busy() const { return neighbours_.busy(); }
  // Starts a new period for the smallest lease margin.
  void forget_margin() { margin_.reset(); }

private:
  using Actions = core::Reconciler::Actions;

  void make_probes();
  void note_unclean_end();
  void watch_pid_file();
  void refresh_pid_watch();
  core::Schedule::Pace judge(std::size_t index, const core::ProbeResult& result);
  [[nodiscard]] std::string evidence_of(const core::Decision& decision) const;
  void note_streak(std::size_t index, const core::ProbeResult& result) const;
  void notice_silence(core::Duration silent);
  [[nodiscard]] const core::Allowlist& allow() const { return named_peers_ ? *named_peers_ : *config_.allow; }
  void make_guard(bool new_probes);
  void follow_guard();
  void note_guard();
  void on_guard_changed();
  void note_foreign_change(const core::StoreReport& report);
  void decide(const std::string& reason, const std::string& evidence, const std::string& actor);
  [[nodiscard]] bool verdict(std::string& reason, std::string& evidence, std::string& actor);
  void record(bool open, const std::string& reason, const std::string& evidence, const std::string& actor);
  [[nodiscard]] std::vector<core::ProbeResult> last_results() const;
  void carry_out(const Actions& actions);
  void renew();
  void carry_out(core::Reconciler::Action action);
  void tell(const listener::Listener::Status& status);
  void settle();
  void tell_neighbours();
  void on_time();
  void bind();
  void adopt(base::UniqueFd listener);
  void read_comment(std::string comment);
  void look_at_drain_file();
  void follow_override(const std::string& evidence, const std::string& who);
  void note_override(const std::string& evidence, const std::string& who);
  void show_comment(const std::string& state);
  [[nodiscard]] std::string how_to_end_drain() const;
  [[nodiscard]] std::string state() const;

  config::GateConfig config_;
  GateServices services_;
  core::GateDecider decider_;
  core::Override override_;
  core::FlapDamper damper_;
  core::Reconciler reconciler_;
  GateHistory history_;
  Neighbours neighbours_;
  bool admitted_ = false; // what they were told last: see tell_neighbours()
  listener::Listener listener_;
  std::vector<std::unique_ptr<ProbeTask>> probes_;
  std::vector<std::optional<core::WallTime>> passing_since_; // of each probe, as its `passing` is
  std::unique_ptr<Guard> guard_;                             // none: guard = off
  std::shared_ptr<const core::Allowlist> named_peers_; // allow, and peers found by name; null: there are none
  std::optional<core::TransitionSnapshot> guard_note_; // waits until the latest transition is complete
  loop::PathWatch drain_watch_;
  std::unique_ptr<probe::PidFileWatch> pid_watch_; // none: not configured
  std::string pid_problem_;                        // the one that was logged last

  std::optional<core::OverrideOrder> told_override_; // in force when it was last told
  std::string comment_;    // of the chain: "open since 2026-11-22T02:05:42Z: HTTP 200"
  std::string reason_;     // of the last transition, for people: "HTTP 500, 2 of 2"
  core::WallTime since_{}; // of the last transition
  bool started_ = false;
  bool stopping_ = false;
  bool trusts_adopted_ = false; // open by a predecessor's decision: only a probe that passes renews it
  core::TimePoint last_result_{};
  std::string last_evidence_;
  std::string port_problem_;
  core::Backoff bind_backoff_;
  core::Timers::Id bind_timer_ = 0;
  core::Timers::Id deadline_timer_ = 0;
  std::optional<core::Duration> margin_;      // smallest rest of the lease at a renewal
  std::optional<core::TimePoint> hold_until_; // the damper's
  bool commit_open_ = false;                  // the latest transition waits for the time of its commit
  std::map<std::pair<std::string, std::string>, std::uint64_t> transitions_;
};

} // namespace healthgate::app
