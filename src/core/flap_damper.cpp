#include "core/flap_damper.hpp"

namespace healthgate::core {

void FlapDamper::on_transition(TimePoint now) {
  if (terms_.limit <= 0) {
    return;
  }
  transitions_.push_back(now);
  if (transitions_.size() > static_cast<std::size_t>(terms_.limit)) {
    transitions_.pop_front();
  }
}

std::optional<TimePoint> FlapDamper::hold_until(TimePoint now) const {
  if (terms_.limit <= 0 || transitions_.size() < static_cast<std::size_t>(terms_.limit)) {
    return std::nullopt;
  }
  const auto free = transitions_.front() + terms_.window;
  return free > now ? std::optional(free) : std::nullopt;
}

} // namespace healthgate::core
