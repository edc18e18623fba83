#include "config/diff.hpp"
#include "unit/config/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr const char* gate_b = "[gate.b]\nport = 2\nprobe = file:///b\n";

Diff between(const std::string& before, const std::string& after) {
  const Config old_config = loaded(before);
  const Config new_config = loaded(after);
  EXPECT_FALSE(old_config.gates.empty()) << testing::PrintToString(old_config.notes);
  EXPECT_FALSE(new_config.gates.empty()) << testing::PrintToString(new_config.notes);
  return diff(old_config, new_config);
}

// What one more line in the gate changes: "keys: effects".
GateChange change_by(const std::string& line) {
  const Diff found = between(gate_with(""), gate_with(line));
  return found.changed.empty() ? GateChange{} : found.changed[0];
}

TEST(Diff, IsEmptyBetweenTheSame) {
  const Diff found = between(gate_with(gate_b), gate_with(gate_b));
  EXPECT_TRUE(found.empty());
  EXPECT_THAT(found.kept, ElementsAre("router", "b"));
  EXPECT_EQ(found.to_string(), "nothing has changed");
}

TEST(Diff, SpellingAValueOtherwiseChangesNothing) {
  EXPECT_TRUE(between(gate_with("interval = 1000ms\nallow = 192.0.2.1, 192.0.2.9"),
                      gate_with("allow = 192.0.2.1\nallow = 192.0.2.9 # the other\ninterval = 1s"))
                  .empty());
}

TEST(Diff, NamesGatesThatCameAndWent) {
  const Diff found = between(gate_with(""), gate_b);
  EXPECT_THAT(found.added, ElementsAre("b"));
  EXPECT_THAT(found.removed, ElementsAre("router"));
  EXPECT_THAT(found.changed, IsEmpty());
  EXPECT_EQ(found.to_string(), "added: b; removed: router");
}

TEST(Diff, AChangedGateLeavesTheOthersAlone) {
  const Diff found = between(gate_with(gate_b), gate_with("rise = 5\n" + std::string(gate_b)));
  ASSERT_EQ(found.changed.size(), 1U);
  EXPECT_EQ(found.changed[0].name, "router");
  EXPECT_THAT(found.kept, ElementsAre("b"));
}

TEST(Diff, TellsWhatAKeyCallsFor) {
  const auto effects = [](const std::string& line) { return change_by(line).effects; };
  EXPECT_THAT(effects("interval = 1500ms"), ElementsAre(Effect::prober));
  EXPECT_THAT(effects("lease = 4s"), ElementsAre(Effect::ruleset));
  EXPECT_THAT(effects("denied = reset"), ElementsAre(Effect::ruleset));
  EXPECT_THAT(effects("allow = 192.0.2.1"), ElementsAre(Effect::allowlist));
  EXPECT_THAT(effects("on-stop = hold"), ElementsAre(Effect::live));
  EXPECT_THAT(effects("guard = reset\nguard-ports = 80"), ElementsAre(Effect::guard));
  EXPECT_THAT(effects("http-listen = 127.0.0.1:9000"), ElementsAre(Effect::listen));
}

TEST(Diff, AnotherPortIsAnotherGateToTheBalancer) {
  const Diff found = between("[gate.b]\nport = 1\nprobe = file:///b\n", gate_b);
  ASSERT_EQ(found.changed.size(), 1U);
  EXPECT_TRUE(found.changed[0].has(Effect::port));
}

TEST(Diff, LooksIntoTheSectionOfAProbe) {
  const Diff found =
      between(probe_with("tcp://127.0.0.1:1", "send = a"), probe_with("tcp://127.0.0.1:1", "send = b"));
  ASSERT_EQ(found.changed.size(), 1U);
  EXPECT_THAT(found.changed[0].keys, ElementsAre("probe"));
  EXPECT_THAT(found.changed[0].effects, ElementsAre(Effect::prober));
}

TEST(Diff, AnotherContentOfAnAllowFileIsAChangeOfTheAllowlistAlone) {
  const auto config = [](const char* content) {
    return loaded(sources_of(Tree{{main_file, gate_with("allow-file = /lb")}, {"/lb", content}}));
  };
  const Diff found = diff(config("192.0.2.1\n"), config("192.0.2.9\n"));
  ASSERT_EQ(found.changed.size(), 1U);
  EXPECT_THAT(found.changed[0].keys, ElementsAre("allow-file"));
  EXPECT_THAT(found.changed[0].effects, ElementsAre(Effect::allowlist));
  EXPECT_TRUE(diff(config("192.0.2.1\n192.0.2.9\n"), config("192.0.2.9\n192.0.2.1\n")).empty());
}

TEST(Diff, APeerOfARelayIsAllowedToAskAsWell) {
  const std::string relay = "guard = relay\nguard-ports = 80\npeers = 192.0.2.24";
  const Diff found = between(gate_with(relay), gate_with(relay + ", 192.0.2.26"));
  ASSERT_EQ(found.changed.size(), 1U);
  EXPECT_THAT(found.changed[0].keys, ElementsAre("peers"));
  EXPECT_THAT(found.changed[0].effects, ElementsAre(Effect::allowlist, Effect::guard));
}

TEST(Diff, SaysWhichGlobalKeysWaitForARestart) {
  const Diff found =
      between(gate_with(""), "log-level = debug\ntable-owner = no\nstate-dir = /srv\n" + gate_with(""));
  EXPECT_THAT(found.globals, ElementsAre("log-level", "state-dir", "table-owner"));
  EXPECT_THAT(found.restart, ElementsAre("state-dir", "table-owner"));
  EXPECT_EQ(found.to_string(),
            "global: log-level, state-dir, table-owner; only after a restart: state-dir, table-owner");
}

} // namespace
} // namespace healthgate::config
