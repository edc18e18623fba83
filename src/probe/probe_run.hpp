// One run of a prober: its clock, its deadline, the result in the making, and the one call of `done`.
#pragma once

#include "core/ports.hpp"

#include <functional>
#include <string>

namespace healthgate::probe {

class ProbeRun {
public:
  explicit ProbeRun(core::Timers& timers) : timers_(timers) {}
  ~ProbeRun() { cancel(); }
  ProbeRun(const ProbeRun&) = delete;
  ProbeRun& operator=(const ProbeRun&) = delete;

  // `on_deadline` is called from the loop, `timeout` from now, unless the run has ended before; it must end
  // it.
  void begin(core::Prober::Done done, core::Duration timeout, std::function<void()> on_deadline);
  [[nodiscard]] bool running() const { return static_cast<bool>(done_); }
  [[nodiscard]] core::Duration elapsed() const; // since begin(), by the clock itself
  [[nodiscard]] core::TimePoint deadline() const { return result_.started + timeout_; }

  void step(std::string name, std::string detail, bool ok = true);
  // The same for a step whose time since begin() is known from elsewhere.
  void step_at(std::string name, core::Duration at, std::string detail, bool ok = true);
  void answered_by(std::string address) { result_.answered_by = std::move(address); }

  // Ends the run and calls `done`, which may start the next run or destroy the prober: the caller returns at
  // once and touches nothing. Not from inside Prober::start().
  void pass(std::string detail);
  void fail(core::FailureClass failure, std::string detail);
  // The same from inside Prober::start(): `done` is called from the loop's next iteration.
  void pass_soon(std::string detail);
  void fail_soon(core::FailureClass failure, std::string detail);
  void cancel(); // `done` will not be called

private:
  void conclude(bool passed, core::FailureClass failure, std::string detail);
  void deliver();
  void deliver_soon();

  core::Timers& timers_;
  core::Prober::Done done_;
  core::ProbeResult result_;
  core::Duration timeout_{};
  core::Timers::Id timer_ = 0;
};

// "no answer within 500ms"
[[nodiscard]] std::string timeout_text(core::Duration timeout);

} // namespace healthgate::probe
