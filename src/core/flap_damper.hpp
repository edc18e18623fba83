// Keeps a gate whose service cannot make up its mind closed for a while. Pure.
//
// No window holds more than `limit` transitions. Since closing is never delayed, an opening waits until there
// is room for itself and for the closing that follows it.
#pragma once

#include "core/time.hpp"

#include <deque>
#include <optional>

namespace healthgate::core {

class FlapDamper {
public:
  struct Terms {
    int limit = 0; // most transitions within the window; 0 = no limit; 1 counts as 2, or no gate could open
    Duration window{};
  };

  explicit FlapDamper(Terms terms);

  // The gate has opened or closed.
  void on_transition(TimePoint now);
  // Until when an opening must wait; none: it may open now.
  [[nodiscard]] std::optional<TimePoint> hold_until(TimePoint now) const;

private:
  Terms terms_;
  std::deque<TimePoint> transitions_; // oldest first; only as many as can hold an opening back
};

} // namespace healthgate::core
