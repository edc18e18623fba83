#include "core/schedule.hpp"

namespace healthgate::core {
namespace {

Duration scaled(Duration duration, double factor) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double, std::nano>(duration) * factor);
}

} // namespace

Schedule::Schedule(Terms terms, TimePoint now, double random) : terms_(terms) {
  // No gate waits longer than the fast interval for its first verdict.
  slot_ = due_ = now + scaled(std::min(terms_.interval, terms_.fast_interval), random);
}

TimePoint Schedule::next(Pace pace, TimePoint now, double random) {
  Duration interval = terms_.interval;
  switch (pace) {
  case Pace::steady:
    break;
  case Pace::fast:
    interval = terms_.fast_interval;
    break;
  case Pace::down:
    interval = terms_.down_interval;
    break;
  }
  auto nominal = slot_ + interval;
  if (nominal < now) {
    const auto missed = (now - nominal) / interval;
    nominal += interval * missed;
  }
  slot_ = std::max(nominal, now);
  const double spread = static_cast<double>(terms_.jitter_percent) / 100.0;
  due_ = std::max(now, slot_ + scaled(interval, spread * (2.0 * random - 1.0)));
  return due_;
}

} // namespace healthgate::core
