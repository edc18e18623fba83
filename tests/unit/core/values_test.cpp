// The small ones: pauses, histories, histograms, comments, names.
#include "core/backoff.hpp"
#include "core/duration_text.hpp"
#include "core/history.hpp"
#include "core/probe_result.hpp"
#include "core/ruleset.hpp"

#include <gtest/gtest.h>

namespace healthgate::core {
namespace {

using namespace std::chrono_literals;

TEST(Backoff, DoublesUpToItsBound) {
  Backoff backoff(5ms, 30ms);
  EXPECT_EQ(backoff.fail(), 5ms);
  EXPECT_EQ(backoff.fail(), 10ms);
  EXPECT_EQ(backoff.fail(), 20ms);
  EXPECT_EQ(backoff.fail(), 30ms);
  EXPECT_EQ(backoff.fail(), 30ms);
}

TEST(Backoff, BeginsAnewAfterASuccess) {
  Backoff backoff(5ms, 1s);
  (void)backoff.fail();
  (void)backoff.fail();
  backoff.succeed();
  EXPECT_EQ(backoff.fail(), 5ms);
}

TEST(DurationText, IsWhatPeopleWrite) {
  const std::vector<std::pair<Duration, std::string>> rows{
      {0s, "0ms"},       {40us, "0ms"},    {449us, "0.4ms"}, {9960us, "10ms"},
      {250ms, "250ms"},  {999600us, "1s"}, {1s, "1s"},       {1500ms, "1.5s"},
      {3928ms, "3.93s"}, {9999ms, "10s"},  {10400ms, "10s"}, {59600ms, "1m"},
      {150s, "2m30s"},   {3h, "3h"},       {26h, "1d2h"},    {24h + 5s, "1d5s"}};
  for (const auto& [duration, text] : rows) {
    EXPECT_EQ(duration_text(duration), text);
  }
}

TransitionSnapshot transition(std::string reason) {
  TransitionSnapshot transition;
  transition.reason = std::move(reason);
  return transition;
}

TEST(History, ForgetsTheOldest) {
  History history(2);
  EXPECT_EQ(history.latest(), nullptr);
  for (const auto* reason : {"start", "probe", "override"}) {
    history.add(transition(reason));
  }
  const auto all = history.newest_first();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].reason, "override");
  EXPECT_EQ(all[1].reason, "probe");
}

TEST(History, LetsTheLatestBeCompleted) {
  History history(2);
  history.add(transition("probe"));
  history.latest()->commit_seconds = 0.001;
  EXPECT_EQ(history.newest_first().front().commit_seconds, 0.001);
}

TEST(Histogram, CountsAValueInTheFirstBucketThatHoldsIt) {
  Histogram histogram({0.1, 1, 10});
  for (const double seconds : {0.05, 0.1, 0.11, 10.0, 11.0}) {
    histogram.observe(seconds);
  }
  EXPECT_EQ(histogram.counts, (std::vector<std::uint64_t>{2, 1, 1, 1})) << "a bound belongs to its bucket";
  EXPECT_DOUBLE_EQ(histogram.sum, 21.26);
  EXPECT_EQ(histogram.total(), 5U);
}

TEST(Histogram, WithoutBoundsStillCounts) {
  Histogram histogram;
  histogram.observe(1);
  EXPECT_EQ(histogram.total(), 1U);
}

TEST(SanitizeComment, KeepsWhatCannotBreakARuleset) {
  const std::string safe = "abyzABYZ0189 .,:/_=+-";
  EXPECT_EQ(sanitize_comment(safe), safe);
}

TEST(SanitizeComment, ReplacesEverythingElse) {
  EXPECT_EQ(sanitize_comment("say \"no\"; drop"), "say _no__ drop");
  EXPECT_EQ(sanitize_comment("\n}\ntable ip x {\t#$'`@[~\\"), "___table ip x __________");
  EXPECT_EQ(sanitize_comment(std::string("\0\x7f\xc3\xa9", 4)), "____");
}

TEST(SanitizeComment, CutsAt127Bytes) {
  EXPECT_EQ(sanitize_comment(std::string(127, 'x')), std::string(127, 'x'));
  EXPECT_EQ(sanitize_comment(std::string(128, 'x')), std::string(127, 'x'));
}

TEST(FailureClass, HasTheNamesOfTheMetric) {
  const std::vector<std::string_view> names{"none", "timeout", "refused",  "reset",    "dns",
                                            "tls",  "status",  "mismatch", "protocol", "exec"};
  for (std::size_t i = 0; i < names.size(); ++i) {
    EXPECT_EQ(to_string(static_cast<FailureClass>(i)), names[i]);
  }
}

TEST(Allowlist, TakesSingleAddressesInBesideWhatItHas) {
  const Allowlist allow({Cidr::parse("192.0.2.0/25").value()});
  const auto more =
      with_addresses(allow, {Address::parse("192.0.2.128").value(), Address::parse("192.0.2.1").value(),
                             Address::parse("2001:db8::1").value()});
  ASSERT_EQ(more->v4().size(), 2U); // the second one was in it already
  EXPECT_EQ(more->v4()[1].to_string(), "192.0.2.128");
  ASSERT_EQ(more->v6().size(), 1U);
  EXPECT_EQ(more->v6()[0].to_string(), "2001:db8::1");
}

} // namespace
} // namespace healthgate::core
