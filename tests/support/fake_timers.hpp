// Timers whose clock stands until a test advances it.
#pragma once

#include "core/ports.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace healthgate::test {

class FakeTimers final : public core::Timers {
public:
  [[nodiscard]] core::Now now() const override { return now_; }

  Id at(core::TimePoint when, std::function<void()> call) override {
    calls_.emplace(++last_, Call{when, std::move(call)});
    return last_;
  }
  void cancel(Id id) override { calls_.erase(id); }

  // Moves the clock and makes every call that falls due on the way, each at its time, those of one time in
  // the order in which they were asked for. A call may ask for others, and cancel any.
  void advance(core::Duration by) {
    const auto end = now_.mono + by;
    for (auto next = earliest(); next != calls_.end() && next->second.when <= end; next = earliest()) {
      step_to(std::max(now_.mono, next->second.when));
      const auto call = std::move(next->second.call);
      calls_.erase(next);
      call();
    }
    step_to(end);
  }
  // The clock runs on and nobody is called: the process is stopped. What fell due is called by the next
  // advance().
  void freeze(core::Duration by) { step_to(now_.mono + by); }
  // Somebody sets the wall clock.
  void step_wall(core::Duration by) { now_.wall += by; }

  [[nodiscard]] std::size_t waiting() const { return calls_.size(); }

private:
  struct Call {
    core::TimePoint when;
    std::function<void()> call;
  };
  using Calls = std::map<Id, Call>;

  Calls::iterator earliest() {
    return std::min_element(calls_.begin(), calls_.end(),
                            [](const auto& a, const auto& b) { return a.second.when < b.second.when; });
  }
  void step_to(core::TimePoint when) {
    now_.wall += when - now_.mono;
    now_.mono = when;
  }

  core::Now now_{core::TimePoint(std::chrono::hours(1)), core::WallTime(std::chrono::hours(24 * 365 * 50))};
  Id last_ = 0;
  Calls calls_;
};

} // namespace healthgate::test
