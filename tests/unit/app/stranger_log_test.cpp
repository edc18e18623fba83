#include "app/stranger_log.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::app {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

constexpr core::TimePoint start{1h};

core::Address source(int number) {
  return core::Address::parse("192.0." + std::to_string(number / 250) + "." +
                              std::to_string(number % 250 + 1))
      .value();
}

std::vector<core::Address> sources(int from, int to) {
  std::vector<core::Address> all;
  for (int number = from; number < to; ++number) {
    all.push_back(source(number));
  }
  return all;
}

TEST(StrangerLog, SaysASourceOnceForAsLongAsItAsks) {
  StrangerLog log;
  ASSERT_THAT(log.news({source(1)}, start), SizeIs(1));
  for (auto at = start; at < start + 1h; at += 30s) {
    EXPECT_THAT(log.news({source(1)}, at), IsEmpty());
  }
}

TEST(StrangerLog, SaysItAgainAfterALongSilence) {
  StrangerLog log;
  (void)log.news({source(1)}, start);
  EXPECT_THAT(log.news({source(1)}, start + StrangerLog::forget - 1s), IsEmpty());
  EXPECT_THAT(log.news({source(1)}, start + 2 * StrangerLog::forget), SizeIs(1));
}

TEST(StrangerLog, IsQuietUnderAScanAndCountsWhatItDidNotSay) {
  StrangerLog log;
  EXPECT_THAT(log.news(sources(0, 100), start), SizeIs(StrangerLog::burst));
  EXPECT_THAT(log.news(sources(100, 200), start + 1s), IsEmpty());
  const auto later = log.news({source(300)}, start + StrangerLog::window);
  ASSERT_THAT(later, SizeIs(1));
  EXPECT_EQ(later[0].unsaid, 200 - StrangerLog::burst);
  EXPECT_EQ(later[0].address, source(300));
}

TEST(StrangerLog, RemembersABoundedNumber) {
  StrangerLog log;
  for (int from = 0; from < 5000; from += 100) {
    (void)log.news(sources(from, from + 100), start + std::chrono::minutes(from / 100 % 9));
  }
  EXPECT_THAT(log.news({source(4999)}, start + 9min), IsEmpty()) << "no room for it, so no line either";
  EXPECT_THAT(log.news({source(4999)}, start + 30min), SizeIs(1));
}

} // namespace
} // namespace healthgate::app
