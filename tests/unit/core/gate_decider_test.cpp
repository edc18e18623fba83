#include "core/gate_decider.hpp"

#include <gtest/gtest.h>

#include <random>

namespace healthgate::core {
namespace {

using namespace std::chrono_literals;

const TimePoint start{1h};

ProbeResult pass() {
  ProbeResult result;
  result.passed = true;
  result.detail = "HTTP 200";
  return result;
}

ProbeResult fail() {
  ProbeResult result;
  result.failure = FailureClass::status;
  result.detail = "HTTP 500";
  return result;
}

// '+' a pass, 'f' a failure, one a second; what stands is the gate: 'O' open, 'c' closed, lower or upper case
// as the decision said it; '>' after a letter marks a pending change.
std::string replay(ProbeTerms terms, std::string_view results, Health initial = Health::closed) {
  GateDecider decider({{terms}, 0, {}, {}}, initial);
  std::string out;
  auto now = start;
  for (const char c : results) {
    const auto decision = decider.on_result(0, c == '+' ? pass() : fail(), now += 1s);
    out += decision.health == Health::open ? 'O' : 'c';
    out += decision.change == Change::pending ? ">" : "";
  }
  return out;
}

struct Row {
  ProbeTerms terms;
  std::string results;
  std::string gate;
};

TEST(GateDecider, FollowsConsecutiveResultsOnly) {
  const std::vector<Row> rows{
      {{1, 1, false}, "+f+f", "OcOc"},
      {{2, 2, false}, "+", "c>"},
      {{2, 2, false}, "++", "c>O"},
      {{2, 2, false}, "+f+f+f", "c>cc>cc>c"},
      {{2, 2, false}, "++f+f+f+", "c>OO>OO>OO>O"},
      {{2, 2, false}, "++ff", "c>OO>c"},
      {{3, 5, false}, "+++ffff+fffff", "c>c>OO>O>O>O>OO>O>O>O>c"},
      {{3, 1, false}, "+++f++f+++", "c>c>Occ>c>cc>c>O"},
      {{1, 3, false}, "+ff+ff+fff", "OO>O>OO>O>OO>O>c"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(replay(row.terms, row.results), row.gate) << row.results;
  }
}

TEST(GateDecider, StartsClosed) {
  EXPECT_EQ(GateDecider({{{}}, 0, {}, {}}).health(), Health::closed);
}

TEST(GateDecider, KeepsATakenOverGateOpenUntilItsProbesFail) {
  EXPECT_EQ(replay({2, 2, false}, "f+ff", Health::open), "O>OO>c");
  EXPECT_EQ(replay({2, 2, false}, "+", Health::open), "O");
}

TEST(GateDecider, NamesTheEvidence) {
  GateDecider decider({{{1, 2, false}}, 0, {}, {}});
  EXPECT_EQ(decider.on_result(0, pass(), start).evidence, "HTTP 200");
  EXPECT_EQ(decider.on_result(0, fail(), start).evidence, "HTTP 500, 1 of 2");
  EXPECT_EQ(decider.on_result(0, fail(), start).evidence, "HTTP 500, 2 of 2");
}

TEST(GateDecider, SaysChangedOnce) {
  GateDecider decider({{{1, 1, false}}, 0, {}, {}});
  EXPECT_EQ(decider.on_result(0, pass(), start).change, Change::changed);
  EXPECT_EQ(decider.on_result(0, pass(), start).change, Change::none);
}

TEST(GateDecider, KnowsAProbeOnlyAfterItsFirstResult) {
  GateDecider decider({{{2, 2, false}}, 0, {}, {}});
  EXPECT_EQ(decider.passing(0), std::nullopt);
  (void)decider.on_result(0, pass(), start);
  EXPECT_EQ(decider.passing(0), false);
  EXPECT_EQ(decider.streak(0), 1);
  EXPECT_TRUE(decider.pending());
  (void)decider.on_result(0, pass(), start);
  EXPECT_EQ(decider.passing(0), true);
  EXPECT_EQ(decider.streak(0), 0);
  EXPECT_FALSE(decider.pending());
}

// Three hard probes, each with a rise and fall of one: what the gate says when `passing` of them pass.
Health with_passing(int require, int passing) {
  GateDecider decider({{{1, 1, false}, {1, 1, false}, {1, 1, false}}, require, {}, {}});
  for (int index = 0; index < passing; ++index) {
    (void)decider.on_result(static_cast<std::size_t>(index), pass(), start);
  }
  return decider.health();
}

TEST(GateDecider, RequiresAllAnyOrSome) {
  EXPECT_EQ(with_passing(0, 2), Health::closed) << "all: two of three are not enough";
  EXPECT_EQ(with_passing(0, 3), Health::open);
  EXPECT_EQ(with_passing(1, 0), Health::closed);
  EXPECT_EQ(with_passing(1, 1), Health::open) << "any";
  EXPECT_EQ(with_passing(2, 1), Health::closed) << "two: one is not enough";
  EXPECT_EQ(with_passing(2, 2), Health::open);
  EXPECT_EQ(with_passing(9, 3), Health::open) << "more than there are means all";
}

class SoftProbe : public testing::Test {
protected:
  static constexpr std::size_t hard = 0;
  static constexpr std::size_t soft = 1;

  void open() {
    (void)decider.on_result(hard, pass(), start);
    (void)decider.on_result(soft, pass(), start);
    ASSERT_EQ(decider.health(), Health::open);
  }

  GateDecider decider{{{{1, 1, false}, {1, 2, true}}, 0, 30s, 0s}};
};

TEST_F(SoftProbe, IsWaitedForBeforeTheGateOpens) {
  EXPECT_EQ(decider.on_result(hard, pass(), start).health, Health::closed);
  EXPECT_EQ(decider.on_result(soft, pass(), start).health, Health::open);
}

TEST_F(SoftProbe, ClosesTheGateOnlyAfterItsGrace) {
  open();
  (void)decider.on_result(soft, fail(), start + 1s);
  EXPECT_EQ(decider.next_deadline(), std::nullopt) << "one failure of two is no failing probe";
  EXPECT_EQ(decider.on_result(soft, fail(), start + 2s).health, Health::open);
  EXPECT_EQ(decider.next_deadline(), start + 32s);
  EXPECT_EQ(decider.on_time(start + 32s - 1ns).health, Health::open);
  const auto decision = decider.on_time(start + 32s);
  EXPECT_EQ(decision.health, Health::closed);
  EXPECT_EQ(decision.change, Change::changed);
  EXPECT_EQ(decision.evidence, "soft probe failing for longer than its grace: HTTP 500");
  EXPECT_EQ(decision.probe, soft);
  EXPECT_EQ(decider.next_deadline(), std::nullopt);
}

TEST_F(SoftProbe, IsNamedAlsoWhenAResultOfAnotherComesFirst) {
  open();
  (void)decider.on_result(soft, fail(), start + 1s);
  (void)decider.on_result(soft, fail(), start + 2s);
  const auto decision = decider.on_result(hard, pass(), start + 32s);
  EXPECT_EQ(decision.health, Health::closed);
  EXPECT_EQ(decision.evidence, "soft probe failing for longer than its grace: HTTP 500") << "not HTTP 200";
  EXPECT_EQ(decision.probe, soft);
}

TEST_F(SoftProbe, HasItsGraceAnewAfterItPassed) {
  open();
  (void)decider.on_result(soft, fail(), start + 1s);
  (void)decider.on_result(soft, fail(), start + 2s);
  (void)decider.on_result(soft, pass(), start + 20s);
  EXPECT_EQ(decider.next_deadline(), std::nullopt);
  (void)decider.on_result(soft, fail(), start + 29s);
  (void)decider.on_result(soft, fail(), start + 30s);
  EXPECT_EQ(decider.on_time(start + 59s).health, Health::open);
  EXPECT_EQ(decider.on_time(start + 60s).health, Health::closed);
}

TEST_F(SoftProbe, HasNoGraceWhenAHardProbeFails) {
  open();
  (void)decider.on_result(soft, fail(), start + 1s);
  (void)decider.on_result(soft, fail(), start + 2s);
  EXPECT_EQ(decider.on_result(hard, fail(), start + 3s).health, Health::closed);
  EXPECT_EQ(decider.on_result(hard, pass(), start + 4s).health, Health::closed) << "it opens when both pass";
  EXPECT_EQ(decider.on_result(soft, pass(), start + 5s).health, Health::open);
}

TEST(GateDecider, DelaysASoftClosingUntilMinOpenButNeverAHardOne) {
  GateDecider decider({{{1, 1, false}, {1, 1, true}}, 0, 1s, 60s});
  (void)decider.on_result(0, pass(), start);
  (void)decider.on_result(1, pass(), start);
  (void)decider.on_result(1, fail(), start + 10s);
  EXPECT_EQ(decider.next_deadline(), start + 60s);
  EXPECT_EQ(decider.on_time(start + 60s - 1ns).health, Health::open);
  auto soft_close = decider;
  EXPECT_EQ(soft_close.on_time(start + 60s).health, Health::closed);
  EXPECT_EQ(decider.on_result(0, fail(), start + 11s).health, Health::closed);
}

TEST(GateDecider, WithSoftProbesAloneOpensWhenTheyPass) {
  GateDecider decider({{{1, 1, true}}, 0, 30s, {}});
  EXPECT_EQ(decider.on_result(0, pass(), start).health, Health::open);
}

// Whatever the results: an opening stands on `rise` passes in a row, a closing on `fall` failures in a row.
TEST(GateDecider, NeverChangesOnLessThanRiseOrFallInARow) {
  std::mt19937 random(1);
  for (int history = 0; history < 500; ++history) {
    const ProbeTerms terms{1 + static_cast<int>(random() % 4), 1 + static_cast<int>(random() % 4), false};
    GateDecider decider({{terms}, 0, {}, {}});
    int passes = 0;
    int failures = 0;
    for (int i = 0; i < 200; ++i) {
      const bool passed = random() % 2 == 0;
      passes = passed ? passes + 1 : 0;
      failures = passed ? 0 : failures + 1;
      const auto decision = decider.on_result(0, passed ? pass() : fail(), start + std::chrono::seconds(i));
      if (decision.change == Change::changed) {
        ASSERT_EQ(decision.health == Health::open ? passes : failures,
                  decision.health == Health::open ? terms.rise : terms.fall);
      }
      ASSERT_FALSE(passes >= terms.rise && decision.health == Health::closed);
      ASSERT_FALSE(failures >= terms.fall && decision.health == Health::open);
    }
  }
}

} // namespace
} // namespace healthgate::core
