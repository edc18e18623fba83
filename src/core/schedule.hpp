// When a probe starts next. Pure: random numbers come in as arguments.
//
// Fixed rate, not fixed delay: starts stand an interval apart however long a probe takes. The slots that a
// probe overruns fall out rather than bunch up. While a change is pending the fast interval holds. Jitter
// moves a start, but not the slots after it, so that it does not add up.
#pragma once

#include "core/time.hpp"

namespace healthgate::core {

class Schedule {
public:
  struct Terms {
    Duration interval{}; // more than 0, like the others
    Duration fast_interval{};
    Duration down_interval{}; // while the gate is closed and nothing is pending
    int jitter_percent = 0;   // of each interval, both ways
  };
  enum class Pace { steady, fast, down };

  // The first start, within the fast interval of `now`, so that gates that start together do not probe
  // together, and none waits long for its first verdict. `random` is 0 to 1, here and below.
  Schedule(Terms terms, TimePoint now, double random);

  // The probe has ended: the next start, never before `now`.
  TimePoint next(Pace pace, TimePoint now, double random);
  // A probe was started out of turn at `now`: the rate counts from there.
  void started(TimePoint now) { slot_ = now; }
  [[nodiscard]] TimePoint due() const { return due_; }

private:
  [[nodiscard]] Duration interval(Pace pace) const;

  Terms terms_;
  TimePoint slot_; // the start that the next one is counted from, without its jitter
  TimePoint due_;
};

} // namespace healthgate::core
