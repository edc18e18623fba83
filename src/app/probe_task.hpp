// One probe of one gate at work: its prober, its schedule, and what it has found so far.
#pragma once

#include "config/config.hpp"
#include "core/ports.hpp"
#include "core/schedule.hpp"
#include "core/snapshot.hpp"
#include "probe/make_prober.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace healthgate::app {

class ProbeTask {
public:
  // Judges a result; returns how soon the next one is wanted.
  using Judge = std::function<core::Schedule::Pace(const core::ProbeResult&)>;
  using Random = std::function<double()>; // 0 to 1

  ProbeTask(const config::GateConfig& gate, const config::ProbeConfig& probe, probe::Context& context,
            Random random, Judge judge);
  ~ProbeTask();
  ProbeTask(const ProbeTask&) = delete;
  ProbeTask& operator=(const ProbeTask&) = delete;

  // Probes from now on, first within one fast interval.
  void start();
  // Probes at once; while a probe runs, once more right after it, since it may have looked before the news.
  void probe_now();
  // The service may have gone: as probe_now(), and as long as connects are refused or reset the probes follow
  // upon each other without a pause, so that a death is certain within milliseconds and still takes `fall`
  // failures.
  void hint();
  // Called with the next result, once, whatever it is.
  void on_next_result(std::function<void(const core::ProbeResult&)> call);

  // Name, URL, results, durations and failures; not what the decider knows.
  [[nodiscard]] core::ProbeSnapshot snapshot() const;
  // The last results, at most `count`, oldest first, without their steps.
  [[nodiscard]] std::vector<core::ProbeResult> recent(std::size_t count) const;
  [[nodiscard]] const std::optional<core::ProbeResult>& last() const { return snapshot_.last; }

private:
  void begin();
  void ended(const core::ProbeResult& result);
  void remember(const core::ProbeResult& result);
  void schedule(core::TimePoint when);

  loop::EventLoop& loop_;
  Random random_;
  Judge judge_;
  core::Schedule schedule_;
  std::unique_ptr<core::Prober> prober_;
  core::ProbeSnapshot snapshot_;
  std::deque<core::ProbeResult> recent_; // without steps, oldest first
  std::vector<std::function<void(const core::ProbeResult&)>> waiting_;
  core::Timers::Id timer_ = 0;
  bool running_ = false;
  bool again_ = false; // asked for while one ran
  int urgent_ = 0;     // probes that may follow without a pause
  int urgent_limit_;   // of a hint: what it takes to be sure
};

} // namespace healthgate::app
