// Pauses between attempts that keep failing: each twice the one before, up to a bound. Pure.
#pragma once

#include "core/time.hpp"

#include <algorithm>

namespace healthgate::core {

class Backoff {
public:
  constexpr Backoff(Duration first, Duration longest) : first_(first), longest_(longest), next_(first) {}

  // The pause after one more failure.
  constexpr Duration fail() {
    const auto pause = next_;
    next_ = std::min(longest_, next_ * 2);
    return pause;
  }
  constexpr void succeed() { next_ = first_; }

private:
  Duration first_, longest_, next_;
};

} // namespace healthgate::core
