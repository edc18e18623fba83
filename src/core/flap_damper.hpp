// Keeps a gate whose service cannot make up its mind closed for a while. Pure.
//
// Closing is never delayed: more than `limit` transitions within `window` hold the next *opening* back until
// so many of them are older than the window that there is room again.
#pragma once

#include "core/time.hpp"

#include <deque>
#include <optional>

namespace healthgate::core {

class FlapDamper {
public:
  struct Terms {
    int limit = 0; // most transitions within the window; 0 = no limit
    Duration window{};
  };

  explicit FlapDamper(Terms terms) : terms_(terms) {}

  // The gate has opened or closed.
  void on_transition(TimePoint now);
  // Until when an opening must wait; none: it may open now.
  [[nodiscard]] std::optional<TimePoint> hold_until(TimePoint now) const;

private:
  Terms terms_;
  std::deque<TimePoint> transitions_; // oldest first, at most `limit`
};

} // namespace healthgate::core
