#include "core/schedule.hpp"

#include <algorithm>
#include <cassert>

namespace healthgate::core {
namespace {

Duration scaled(Duration duration, double factor) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::nano>(duration) * factor);
}

} // namespace

Schedule::Schedule(Terms terms, TimePoint now, double random) : terms_(terms) {
  slot_ = due_ = now + scaled(std::min(terms_.interval, terms_.fast_interval), random);
}

Duration Schedule::interval(Pace pace) const {
  switch (pace) {
  case Pace::steady:
    break;
  case Pace::fast:
    return terms_.fast_interval;
  case Pace::down:
    return terms_.down_interval;
  }
  return terms_.interval;
}

TimePoint Schedule::next(Pace pace, TimePoint now, double random) {
  const auto step = interval(pace);
  assert(step > Duration::zero());
  slot_ += step;
  if (slot_ < now) {
    slot_ += step * ((now - slot_ + step - Duration(1)) / step);
  }
  const double spread = static_cast<double>(terms_.jitter_percent) / 100.0;
  due_ = std::max(now, slot_ + scaled(step, spread * (2.0 * random - 1.0)));
  return due_;
}

} // namespace healthgate::core
