// The fakes that other tests stand on.
#include "support/fake_prober.hpp"
#include "support/fake_store.hpp"
#include "support/fake_timers.hpp"

#include <gtest/gtest.h>

namespace healthgate::test {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t port = 18898;

std::shared_ptr<core::Ruleset> ruleset(std::uint64_t revision, core::ChainForm form) {
  auto rules = std::make_shared<core::Ruleset>();
  rules->revision = revision;
  rules->gates.push_back(
      {"router", port, 3000ms, form, "", core::Denied::drop, std::make_shared<core::Allowlist>(), {}});
  return rules;
}

TEST(FakeTimers, CallInTheOrderOfTimeEachAtItsOwn) {
  FakeTimers timers;
  const auto start = timers.now().mono;
  std::vector<std::pair<int, core::Duration>> calls;
  const auto note = [&](int which) {
    return [&, which] { calls.emplace_back(which, timers.now().mono - start); };
  };
  (void)timers.at(start + 20ms, note(2));
  (void)timers.at(start + 10ms, [&, again = note(1)] {
    again();
    (void)timers.at(start + 15ms, again);
  });
  const auto cancelled = timers.at(start + 12ms, note(3));
  timers.cancel(cancelled);
  timers.advance(20ms);
  EXPECT_EQ(calls, (std::vector<std::pair<int, core::Duration>>{{1, 10ms}, {1, 15ms}, {2, 20ms}}));
  EXPECT_EQ(timers.waiting(), 0U);
}

TEST(FakeTimers, CallLateAfterAFreeze) {
  FakeTimers timers;
  bool called = false;
  (void)timers.at(timers.now().mono + 10ms, [&] { called = true; });
  timers.freeze(1s);
  EXPECT_FALSE(called);
  timers.advance(0s);
  EXPECT_TRUE(called);
}

TEST(FakeProber, AnswersOnceUnlessCancelled) {
  FakeProber prober;
  int answers = 0;
  prober.start([&](const core::ProbeResult& result) { answers += result.passed ? 1 : 10; });
  prober.fail();
  prober.start([&](const core::ProbeResult& result) { answers += result.passed ? 1 : 10; });
  prober.cancel();
  EXPECT_FALSE(prober.running());
  EXPECT_EQ(answers, 10);
  EXPECT_EQ(prober.starts(), 2);
}

TEST(FakeStore, LetsInWhileTheFormIsOpenAndTheLeaseRuns) {
  FakeTimers timers;
  FakeStore store(timers);
  store.apply(ruleset(1, core::ChainForm::open));
  EXPECT_EQ(store.renew(port).answer, core::PulseAnswer::unanswered) << "nothing is committed";
  store.commit();
  EXPECT_EQ(store.renew(port).answer, core::PulseAnswer::acknowledged);
  EXPECT_TRUE(store.lets_in(port));
  timers.advance(2999ms);
  EXPECT_TRUE(store.lets_in(port));
  timers.advance(1ms);
  EXPECT_FALSE(store.lets_in(port));
}

TEST(FakeStore, ReportsWhatACommitRepaired) {
  FakeTimers timers;
  FakeStore store(timers);
  std::vector<core::StoreReport> reports;
  store.on_report([&](const core::StoreReport& report) { reports.push_back(report); });
  store.apply(ruleset(1, core::ChainForm::open));
  store.commit();
  (void)store.renew(port);
  store.wipe();
  EXPECT_FALSE(store.lets_in(port));
  store.refuse(ENOMEM);
  store.commit();
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_EQ(reports[1].error, ENOMEM);
  EXPECT_TRUE(reports[2].repaired && reports[2].lease_lost && reports[2].in_sync);
  EXPECT_EQ(reports[2].writer, "nft (pid 4711)");
}

} // namespace
} // namespace healthgate::test
