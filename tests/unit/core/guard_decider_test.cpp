#include "core/guard_decider.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>

namespace healthgate::core {
namespace {

ProbeResult result(FailureClass failure) {
  ProbeResult made;
  made.passed = failure == FailureClass::none;
  made.failure = failure;
  return made;
}

class GuardDeciderTest : public testing::Test {
protected:
  ServiceState see(FailureClass failure, Health verdict, std::size_t probe = 0) {
    return decider.on_result(probe, result(failure), verdict);
  }

  GuardDecider decider{{{true, 2}, {false, 1}}}; // a probe of the service, and one of a file
};

TEST_F(GuardDeciderTest, IsOffBeforeAnythingIsKnown) {
  EXPECT_EQ(decider.state(), ServiceState::unknown);
  EXPECT_FALSE(decider.lost());
}

TEST_F(GuardDeciderTest, FollowsAServiceThatIsKilledAndStartsAgain) {
  EXPECT_EQ(see(FailureClass::none, Health::open), ServiceState::serving);
  EXPECT_EQ(see(FailureClass::refused, Health::open), ServiceState::serving); // the first of two
  EXPECT_EQ(see(FailureClass::refused, Health::closed), ServiceState::dead);
  EXPECT_TRUE(decider.lost());
  EXPECT_EQ(see(FailureClass::status, Health::closed), ServiceState::starting);
  EXPECT_TRUE(decider.lost());
  EXPECT_EQ(see(FailureClass::none, Health::closed), ServiceState::starting); // the first of two
  EXPECT_TRUE(decider.lost());
  EXPECT_EQ(see(FailureClass::none, Health::open), ServiceState::serving);
  EXPECT_FALSE(decider.lost());
}

TEST_F(GuardDeciderTest, LeavesAServiceThatDrainsAlone) {
  see(FailureClass::none, Health::open);
  EXPECT_EQ(see(FailureClass::status, Health::closed), ServiceState::draining);
  EXPECT_EQ(see(FailureClass::none, Health::closed), ServiceState::draining);
  EXPECT_FALSE(decider.lost());
  EXPECT_EQ(see(FailureClass::refused, Health::closed), ServiceState::dead) << "its process has ended";
}

TEST_F(GuardDeciderTest, CallsHungWhatMissedFallDeadlinesInARow) {
  see(FailureClass::none, Health::open);
  EXPECT_EQ(see(FailureClass::timeout, Health::open), ServiceState::serving);
  EXPECT_EQ(see(FailureClass::timeout, Health::closed), ServiceState::hung);
  EXPECT_EQ(see(FailureClass::mismatch, Health::closed), ServiceState::starting);
}

TEST_F(GuardDeciderTest, DoesNotCallHungWhatAnsweredInBetween) {
  see(FailureClass::timeout, Health::closed);
  see(FailureClass::status, Health::closed);
  EXPECT_EQ(see(FailureClass::timeout, Health::closed), ServiceState::draining);
}

TEST_F(GuardDeciderTest, StaysDeadWhileNothingAnswers) {
  see(FailureClass::reset, Health::closed);
  EXPECT_EQ(see(FailureClass::timeout, Health::closed), ServiceState::dead);
  EXPECT_EQ(see(FailureClass::dns, Health::closed), ServiceState::dead);
}

TEST_F(GuardDeciderTest, TakesNothingFromAProbeThatDoesNotTalkToTheService) {
  see(FailureClass::none, Health::open);
  EXPECT_EQ(see(FailureClass::refused, Health::closed, 1), ServiceState::draining);
  EXPECT_FALSE(decider.lost());
}

TEST_F(GuardDeciderTest, IsDeadFromTheStartWhereNobodyListens) {
  EXPECT_EQ(see(FailureClass::refused, Health::closed), ServiceState::dead);
}

TEST(ServiceStateText, NamesEachAsStatusAndMetricsDo) {
  const std::pair<ServiceState, std::string_view> rows[] = {
      {ServiceState::unknown, "unknown"},   {ServiceState::serving, "serving"},
      {ServiceState::draining, "draining"}, {ServiceState::dead, "dead"},
      {ServiceState::hung, "hung"},         {ServiceState::starting, "starting"},
  };
  for (const auto& [state, text] : rows) {
    EXPECT_EQ(to_string(state), text);
  }
}

} // namespace
} // namespace healthgate::core
