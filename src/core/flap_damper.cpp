#include "core/flap_damper.hpp"

#include <algorithm>

namespace healthgate::core {

FlapDamper::FlapDamper(Terms terms) : terms_(terms) {
  if (terms_.limit > 0) {
    terms_.limit = std::max(terms_.limit, 2);
  }
}

void FlapDamper::on_transition(TimePoint now) {
  transitions_.push_back(now);
  while (transitions_.size() + 1 > static_cast<std::size_t>(terms_.limit) && !transitions_.empty()) {
    transitions_.pop_front();
  }
}

// The oldest of the last `limit` - 1 must have left the window: with the opening and its closing that makes
// `limit`.
std::optional<TimePoint> FlapDamper::hold_until(TimePoint now) const {
  if (terms_.limit == 0 || transitions_.size() + 1 < static_cast<std::size_t>(terms_.limit)) {
    return std::nullopt;
  }
  const auto free = transitions_.front() + terms_.window;
  return free > now ? std::optional(free) : std::nullopt;
}

} // namespace healthgate::core
