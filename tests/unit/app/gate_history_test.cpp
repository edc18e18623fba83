#include "app/gate_history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::app {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

core::TransitionSnapshot transition(std::chrono::seconds at, const std::string& to,
                                    const std::string& evidence) {
  core::TransitionSnapshot moved;
  moved.gate = "router";
  moved.at = core::WallTime(at);
  moved.mono = core::TimePoint(at - 1000s);
  moved.from = to == "open" ? "closed" : "open";
  moved.to = to;
  moved.reason = "probe";
  moved.evidence = evidence;
  core::ProbeResult failed;
  failed.detail = "HTTP 500";
  failed.started = moved.mono - 2s;
  moved.probes = {failed};
  return moved;
}

struct GateHistoryTest : testing::Test {
  std::string file;
  GateHistory history{3, [this](std::string content) { file = std::move(content); }};
};

TEST_F(GateHistoryTest, WhatWasWrittenIsReadAgainWithItsTimes) {
  history.add(transition(5000s, "closed", "HTTP 500, 2 of 2"));
  const auto read = parse_history(file);
  EXPECT_EQ(read.bad_lines, 0U);
  ASSERT_THAT(read.oldest_first, SizeIs(1));
  const auto& first = read.oldest_first.front();
  EXPECT_EQ(first.evidence, "HTTP 500, 2 of 2");
  EXPECT_EQ(first.at, core::WallTime(5000s));
  ASSERT_THAT(first.probes, SizeIs(1));
  EXPECT_EQ(first.at + (first.probes[0].started - first.mono), core::WallTime(4998s));
}

TEST_F(GateHistoryTest, TheFileIsBoundedAsTheRingIs) {
  for (int number = 0; number < 5; ++number) {
    history.add(
        transition(std::chrono::seconds(5000 + number), "closed", "number " + std::to_string(number)));
  }
  const auto read = parse_history(file);
  ASSERT_THAT(read.oldest_first, SizeIs(3));
  EXPECT_EQ(read.oldest_first.front().evidence, "number 2");
  EXPECT_EQ(history.newest_first().front().evidence, "number 4");
}

TEST_F(GateHistoryTest, WhatWasRestoredIsSavedWithWhatComesAfter) {
  history.restore({transition(1000s, "open", "before")});
  EXPECT_THAT(file, IsEmpty());
  history.add(transition(5000s, "closed", "after"));
  const auto read = parse_history(file);
  ASSERT_THAT(read.oldest_first, SizeIs(2));
  EXPECT_EQ(read.oldest_first.front().evidence, "before");
}

TEST_F(GateHistoryTest, ACommitCompletesTheLatest) {
  history.add(transition(5000s, "closed", "first"));
  history.add(transition(5001s, "open", "second"));
  history.complete(0.25);
  const auto read = parse_history(file);
  EXPECT_FALSE(read.oldest_first.at(0).commit_seconds);
  EXPECT_EQ(read.oldest_first.at(1).commit_seconds, 0.25);
}

TEST_F(GateHistoryTest, ASeriesOfForeignChangesIsOneEntry) {
  history.add(transition(5000s, "open", "opened"));
  for (int number = 0; number < 10; ++number) {
    history.add_foreign_change(transition(std::chrono::seconds(5001 + number), "open", "flushed"));
  }
  ASSERT_THAT(history.newest_first(), SizeIs(2));
  EXPECT_THAT(history.latest()->evidence, HasSubstr("change 10 in a row"));
  EXPECT_EQ(parse_history(file).oldest_first.at(1).at, core::WallTime(5010s));
  history.add(transition(5020s, "closed", "closed"));
  history.add_foreign_change(transition(5021s, "open", "flushed"));
  EXPECT_THAT(history.newest_first(), SizeIs(3));
  EXPECT_EQ(history.latest()->evidence, "flushed");
}

TEST_F(GateHistoryTest, ACutFileTellsAllButItsLastLine) {
  history.add(transition(5000s, "closed", "first"));
  history.add(transition(5001s, "open", "second"));
  const auto whole = file;
  for (std::size_t length = whole.find('\n') + 2; length + 1 < whole.size(); ++length) {
    const auto read = parse_history(std::string_view(whole).substr(0, length));
    ASSERT_THAT(read.oldest_first, SizeIs(1)) << length;
    ASSERT_EQ(read.bad_lines, 1U) << length;
  }
}

TEST(ParseHistory, PassesOverWhatIsNoTransition) {
  const std::string good = R"({"gate":"router","at":"2026-11-22T02:05:42.123Z","from":"open","to":"closed"})";
  for (const std::string bad : {"nonsense", "7", "{}", "[]", "null", "{\"gate\":1,\"at\":2,\"to\":3}",
                                R"({"gate":"router","at":"yesterday","to":"open"})", "\xff\xfe", "{", ""}) {
    const auto read = parse_history(bad + "\n" + good + "\n");
    EXPECT_EQ(read.bad_lines, 1U) << bad;
    ASSERT_THAT(read.oldest_first, SizeIs(1)) << bad;
  }
  EXPECT_THAT(parse_history("").oldest_first, IsEmpty());
}

TEST(HistoryFile, NamesItsGateAndNothingElseDoes) {
  const auto path = history_file("/var/lib/healthgate", "router");
  EXPECT_THAT(path.string(), EndsWith("/history-router.jsonl"));
  EXPECT_EQ(gate_of_history_file(path), "router");
  for (const char* other : {"/x/history-router.jsonl.new", "/x/overrides.json", "/x/router.jsonl"}) {
    EXPECT_EQ(gate_of_history_file(other), "") << other;
  }
}

} // namespace
} // namespace healthgate::app
