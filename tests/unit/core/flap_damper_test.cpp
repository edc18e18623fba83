#include "core/flap_damper.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace healthgate::core {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};

TEST(FlapDamper, WithoutALimitHoldsNothing) {
  FlapDamper damper({0, 60s});
  for (int i = 0; i < 1000; ++i) {
    damper.on_transition(start);
  }
  EXPECT_EQ(damper.hold_until(start), std::nullopt);
}

TEST(FlapDamper, LeavesRoomForTheClosingThatFollows) {
  FlapDamper damper({4, 60s});
  damper.on_transition(start);
  damper.on_transition(start + 1s);
  EXPECT_EQ(damper.hold_until(start + 2s), std::nullopt) << "two more make four";
  damper.on_transition(start + 2s);
  EXPECT_EQ(damper.hold_until(start + 3s), start + 60s) << "two more make five";
}

TEST(FlapDamper, LetsGoWhenTheWindowHasPassed) {
  FlapDamper damper({2, 60s});
  damper.on_transition(start);
  damper.on_transition(start + 1s);
  EXPECT_EQ(damper.hold_until(start + 61s - 1ns), start + 61s);
  EXPECT_EQ(damper.hold_until(start + 61s), std::nullopt);
}

TEST(FlapDamper, LetsAGateOpenEvenAtALimitOfOne) {
  FlapDamper damper({1, 60s});
  EXPECT_EQ(damper.hold_until(start), std::nullopt);
  damper.on_transition(start);
  damper.on_transition(start + 1s);
  EXPECT_EQ(damper.hold_until(start + 2s), start + 61s);
}

// Whatever the service does: closing at once, opening when the damper lets it, no window sees more than the
// bound.
TEST(FlapDamper, KeepsTransitionsPerWindowWithinTheBound) {
  std::mt19937 random(7);
  for (int history = 0; history < 300; ++history) {
    const int limit = 2 + static_cast<int>(random() % 8);
    const Duration window = std::chrono::seconds(1 + random() % 30);
    FlapDamper damper({limit, window});
    std::vector<TimePoint> transitions;
    bool open = false;
    auto now = start;
    for (int i = 0; i < 400; ++i) {
      now += std::chrono::milliseconds(random() % 3000);
      const bool healthy = random() % 2 == 0;
      const bool change = open ? !healthy : healthy && !damper.hold_until(now);
      if (change) {
        open = !open;
        damper.on_transition(now);
        transitions.push_back(now);
        const auto within = std::count_if(transitions.begin(), transitions.end(),
                                          [&](TimePoint when) { return when > now - window; });
        ASSERT_LE(within, limit);
      }
    }
    ASSERT_GE(transitions.size(), 3U) << "the gate is not held for ever";
  }
}

} // namespace
} // namespace healthgate::core
