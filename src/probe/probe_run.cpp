#include "probe/probe_run.hpp"

#include "core/duration_text.hpp"

#include <cassert>
#include <utility>

namespace healthgate::probe {

void ProbeRun::begin(core::Prober::Done done, core::Duration timeout, std::function<void()> on_deadline) {
  assert(!running());
  done_ = std::move(done);
  timeout_ = timeout;
  result_ = core::ProbeResult{};
  result_.started = std::chrono::steady_clock::now();
  timer_ = timers_.at(deadline(), [this, act = std::move(on_deadline)] {
    timer_ = 0;
    act();
  });
}

core::Duration ProbeRun::elapsed() const {
  return std::chrono::steady_clock::now() - result_.started;
}

void ProbeRun::step(std::string name, std::string detail, bool ok) {
  step_at(std::move(name), elapsed(), std::move(detail), ok);
}

void ProbeRun::step_at(std::string name, core::Duration at, std::string detail, bool ok) {
  result_.steps.push_back({std::move(name), at, std::move(detail), ok});
}

void ProbeRun::pass(std::string detail) {
  conclude(true, core::FailureClass::none, std::move(detail));
  deliver();
}

void ProbeRun::fail(core::FailureClass failure, std::string detail) {
  conclude(false, failure, std::move(detail));
  deliver();
}

void ProbeRun::pass_soon(std::string detail) {
  conclude(true, core::FailureClass::none, std::move(detail));
  deliver_soon();
}

void ProbeRun::fail_soon(core::FailureClass failure, std::string detail) {
  conclude(false, failure, std::move(detail));
  deliver_soon();
}

void ProbeRun::cancel() {
  timers_.cancel(std::exchange(timer_, 0));
  done_ = nullptr;
}

void ProbeRun::conclude(bool passed, core::FailureClass failure, std::string detail) {
  assert(running());
  timers_.cancel(std::exchange(timer_, 0));
  result_.passed = passed;
  result_.failure = failure;
  result_.detail = std::move(detail);
  result_.took = elapsed();
}

void ProbeRun::deliver() {
  // Both leave this object before the call, which may begin the next run or destroy it.
  const auto done = std::exchange(done_, nullptr);
  done(std::exchange(result_, {}));
}

void ProbeRun::deliver_soon() {
  timer_ = timers_.at(timers_.now().mono, [this] {
    timer_ = 0;
    deliver();
  });
}

std::string timeout_text(core::Duration timeout) {
  return "no answer within " + core::duration_text(timeout);
}

} // namespace healthgate::probe
