#include "core/schedule.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace healthgate::core {
namespace {

using namespace std::chrono_literals;
using Pace = Schedule::Pace;

const TimePoint start{1h};
constexpr double middle = 0.5; // no jitter

Schedule schedule(int jitter_percent = 0, double random = 0) {
  return {{1s, 100ms, 5s, jitter_percent}, start, random};
}

TEST(Schedule, StartsWithinTheFastInterval) {
  EXPECT_EQ(schedule(0, 0).due(), start);
  EXPECT_EQ(schedule(0, 0.5).due(), start + 50ms);
  EXPECT_EQ(schedule(0, 1).due(), start + 100ms);
}

TEST(Schedule, KeepsARateHoweverLongAProbeTakes) {
  auto times = schedule();
  EXPECT_EQ(times.next(Pace::steady, start + 3ms, middle), start + 1s);
  EXPECT_EQ(times.next(Pace::steady, start + 1900ms, middle), start + 2s);
  EXPECT_EQ(times.next(Pace::steady, start + 2001ms, middle), start + 3s);
  EXPECT_EQ(times.due(), start + 3s);
}

TEST(Schedule, LeavesOutTheSlotsThatAProbeOverran) {
  struct Row {
    Duration ended, next;
  };
  for (const auto& row : {Row{1s, 1s}, Row{1s + 1ns, 2s}, Row{2s, 2s}, Row{3500ms, 4s}, Row{1h, 1h}}) {
    auto times = schedule();
    EXPECT_EQ(times.next(Pace::steady, start + row.ended, middle), start + row.next);
  }
}

TEST(Schedule, IsFastWhileAChangeIsPendingAndSlowWhileDown) {
  auto times = schedule();
  EXPECT_EQ(times.next(Pace::fast, start + 3ms, middle), start + 100ms);
  EXPECT_EQ(times.next(Pace::fast, start + 103ms, middle), start + 200ms);
  EXPECT_EQ(times.next(Pace::down, start + 203ms, middle), start + 5200ms);
  EXPECT_EQ(times.next(Pace::steady, start + 5203ms, middle), start + 6200ms);
}

TEST(Schedule, CountsFromAProbeOutOfTurn) {
  auto times = schedule();
  (void)times.next(Pace::steady, start + 3ms, middle);
  times.started(start + 400ms);
  EXPECT_EQ(times.next(Pace::steady, start + 403ms, middle), start + 1400ms);
}

TEST(Schedule, JittersBothWays) {
  EXPECT_EQ(schedule(10).next(Pace::steady, start, 0), start + 900ms);
  EXPECT_EQ(schedule(10).next(Pace::steady, start, 0.5), start + 1000ms);
  EXPECT_EQ(schedule(10).next(Pace::steady, start, 1), start + 1100ms);
  EXPECT_EQ(schedule(10).next(Pace::fast, start, 1), start + 110ms);
}

TEST(Schedule, DoesNotAddJitterUp) {
  auto times = schedule(10);
  for (int i = 1; i <= 100; ++i) {
    EXPECT_EQ(times.next(Pace::steady, times.due(), 1), start + i * 1s + 100ms);
  }
}

TEST(Schedule, IsNeverDueInThePast) {
  auto times = schedule(50);
  EXPECT_EQ(times.next(Pace::steady, start + 900ms, 0), start + 900ms);
}

// 256 gates that start together at 10 Hz: no 5 ms hold more than a fair share of starts, twice over.
TEST(Schedule, SpreadsGatesThatStartTogether) {
  std::vector<TimePoint> dues;
  for (int gate = 0; gate < 256; ++gate) {
    dues.push_back(Schedule({100ms, 100ms, 100ms, 0}, start, gate / 256.0).due());
  }
  for (auto window = start; window < start + 100ms; window += 5ms) {
    EXPECT_LE(std::count_if(dues.begin(), dues.end(),
                            [&](TimePoint due) { return due >= window && due < window + 5ms; }),
              2 * 256 / 20);
  }
}

} // namespace
} // namespace healthgate::core
