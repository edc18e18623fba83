// What doctor concludes from values: remedies, thresholds, saved files, the daemon's own words, the report.
#include "app/doctor/checks.hpp"
#include "app/doctor/conntrack.hpp"
#include "app/doctor/remedy.hpp"
#include "app/doctor/report.hpp"
#include "app/doctor/saved_rulesets.hpp"
#include "nft/kernel_abi.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace healthgate::app::doctor {
namespace {

using namespace std::chrono_literals;
using Ports = std::vector<std::uint16_t>;

nft::Obstacle obstacle(std::uint8_t family, const std::string& table, const std::string& chain) {
  nft::Obstacle one;
  one.family = family;
  one.table = table;
  one.base_chain = chain;
  one.visited = {chain};
  return one;
}

TEST(Remedy, OpensThePortInTheZoneOfFirewalldThatWasWalkedThrough) {
  auto one = obstacle(NFPROTO_INET, "firewalld", "filter_INPUT");
  EXPECT_EQ(remedy_for(one, {18898}).now,
            "firewall-cmd --permanent --add-port=18898/tcp && firewall-cmd --reload");
  one.visited = {"filter_INPUT", "filter_INPUT_POLICIES_pre", "filter_IN_policy_allow-host-ipv6",
                 "filter_IN_dmz", "filter_IN_dmz_allow"};
  EXPECT_EQ(remedy_for(one, {18898, 18899}).now, "firewall-cmd --permanent --zone=dmz --add-port=18898/tcp "
                                                 "--add-port=18899/tcp && firewall-cmd --reload");
}

TEST(Remedy, SpeaksIptablesWhereIptablesMadeTheTable) {
  EXPECT_EQ(remedy_for(obstacle(NFPROTO_IPV4, "filter", "INPUT"), {18898}).now,
            "iptables -I INPUT -p tcp --dport 18898 -j ACCEPT");
  EXPECT_EQ(remedy_for(obstacle(NFPROTO_IPV6, "raw", "PREROUTING"), {1, 2}).now,
            "ip6tables -t raw -I PREROUTING -p tcp -m multiport --dports 1,2 -j ACCEPT");
  auto answer = obstacle(NFPROTO_IPV4, "filter", "OUTPUT");
  answer.answer = true;
  EXPECT_EQ(remedy_for(answer, {18898}).now, "iptables -I OUTPUT -p tcp --sport 18898 -j ACCEPT");
}

TEST(Remedy, IsAnNftRuleElsewhere) {
  EXPECT_EQ(remedy_for(obstacle(NFPROTO_INET, "filter", "input"), {18898}).now,
            "nft insert rule inet filter input tcp dport 18898 accept");
  EXPECT_EQ(remedy_for(obstacle(NFPROTO_NETDEV, "early", "c"), {1, 2}).now,
            "nft insert rule netdev early c tcp dport '{ 1, 2 }' accept");
  const auto openshift = remedy_for(obstacle(NFPROTO_INET, "openshift_filter", "OPENSHIFT"), {18898});
  EXPECT_EQ(openshift.now, "nft insert rule inet openshift_filter OPENSHIFT tcp dport 18898 accept");
  EXPECT_NE(openshift.lasting.find("commatrix"), std::string::npos);
}

TEST(Remedy, PutsNoStrangeNameIntoACommand) {
  for (const char* name : {"a;reboot", "$(id)", "-f", "a b", ""}) {
    EXPECT_EQ(remedy_for(obstacle(NFPROTO_INET, name, "c"), {18898}).now,
              "let tcp dport 18898 pass at the head of that chain");
    EXPECT_EQ(remedy_for(obstacle(NFPROTO_INET, "t", name), {18898}).now,
              "let tcp dport 18898 pass at the head of that chain");
  }
}

TEST(Remedy, AsksTheOwnerOfATableThatOthersMayNotWrite) {
  auto one = obstacle(NFPROTO_INET, "t", "c");
  one.table_flags = nft::flag_owner;
  EXPECT_EQ(remedy_for(one, {18898}).now,
            "tell the program that owns table inet t to let tcp dport 18898 pass");
}

TEST(Conntrack, IsFineBelowFourFifthsAndFullAtTheEnd) {
  EXPECT_FALSE(judge_conntrack(0, 1000));
  EXPECT_FALSE(judge_conntrack(799, 1000));
  EXPECT_EQ(judge_conntrack(800, 1000)->severity, Severity::warning);
  EXPECT_EQ(judge_conntrack(979, 1000)->severity, Severity::warning);
  EXPECT_EQ(judge_conntrack(980, 1000)->severity, Severity::error);
  EXPECT_FALSE(judge_conntrack(5000, 0)) << "0 is no limit";
  EXPECT_EQ(judge_conntrack(1000, 1000)->remedy, "sysctl -w net.netfilter.nf_conntrack_max=2000");
}

class SavedRulesets : public ::testing::Test {
protected:
  void SetUp() override {
    std::string pattern = std::filesystem::temp_directory_path() / "healthgate-doctor-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::filesystem::path write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((directory_ / name).parent_path());
    std::ofstream(directory_ / name) << text;
    return directory_ / name;
  }
  std::filesystem::path directory_;
};

TEST_F(SavedRulesets, AreSearchedWithWhatTheyInclude) {
  write("d/a.nft", "table inet filter { }\n");
  write("d/b.nft", "\n# table inet healthgate\n  table inet healthgate {\n");
  const auto found =
      find_saved_table(write("main", "#!/usr/sbin/nft -f\ninclude \"d/*.nft\"\ninclude \"main\"\n"));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].file, directory_ / "d/b.nft");
  EXPECT_EQ(found[0].line, 3);
}

TEST_F(SavedRulesets, WithOtherTablesAloneAreFine) {
  EXPECT_TRUE(
      find_saved_table(write("main", "table inet healthgatekeeper { }\ntable ip healthgate { }\n")).empty());
  EXPECT_TRUE(find_saved_table(directory_ / "missing").empty());
}

class Examined : public ::testing::Test {
protected:
  Examined() {
    daemon_.kind = DaemonState::Kind::running;
    daemon_.snapshot.emplace();
    daemon_.snapshot->at = core::WallTime(100h);
    core::GateSnapshot gate;
    gate.name = "router";
    gate.since = core::WallTime(99h);
    daemon_.snapshot->gates.push_back(gate);
  }
  core::GateSnapshot& gate() { return daemon_.snapshot->gates[0]; }
  Findings run(void (*check)(const Subject&, Findings&)) const {
    Findings findings;
    check({config_, daemon_}, findings);
    return findings;
  }
  config::Config config_;
  DaemonState daemon_;
};

TEST_F(Examined, AskersThatAreAllowedAndAskAreFine) {
  gate().sources = {{"10.0.0.9", 2.0, 100}};
  EXPECT_TRUE(run(check_askers).empty());
}

TEST_F(Examined, DeniedAskersAreNamedAndCounted) {
  for (int i = 1; i <= 7; ++i) {
    gate().denied_sources.push_back({"10.0.0." + std::to_string(i), 12.0, 3});
  }
  const auto findings = run(check_askers);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].evidence,
            "10.0.0.1 (12s ago), 10.0.0.2 (12s ago), 10.0.0.3 (12s ago), 10.0.0.4 (12s ago), "
            "10.0.0.5 (12s ago) and 2 more");
  EXPECT_EQ(findings[0].severity, Severity::warning);
}

TEST_F(Examined, SourcesThatFellSilentAreNamed) {
  gate().sources = {{"10.0.0.9", 299.0, 100}, {"10.0.0.8", 301.0, 100}};
  const auto findings = run(check_askers);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].evidence, "10.0.0.8 (5m1s ago)");
}

TEST_F(Examined, ADaemonThatIsNotThereOrNotReadableIsSaid) {
  EXPECT_TRUE(run(check_daemon).empty());
  daemon_.kind = DaemonState::Kind::absent;
  EXPECT_EQ(run(check_daemon).at(0).severity, Severity::warning);
  daemon_.kind = DaemonState::Kind::unreadable;
  EXPECT_EQ(run(check_daemon).at(0).severity, Severity::unknown);
}

TEST_F(Examined, ARefusedReloadAndADrainAreSaid) {
  daemon_.snapshot->last_reload_ok = false;
  daemon_.snapshot->last_reload_error = "healthgate.conf:3: what is this";
  gate().override_ = core::OverrideSnapshot{"drain", {}, {}, "root", "kernel update"};
  const auto findings = run(check_daemon);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].evidence, "healthgate.conf:3: what is this");
  EXPECT_EQ(findings[1].severity, Severity::note);
  EXPECT_EQ(findings[1].remedy, "healthgate auto router");
}

TEST_F(Examined, AClockThatWentBackIsSeenByATransitionInTheFuture) {
  const auto before = run(check_clock).size(); // this machine's own clock may be unsynchronised
  gate().since = daemon_.snapshot->at + 90s;
  const auto findings = run(check_clock);
  ASSERT_EQ(findings.size(), before + 1);
  EXPECT_EQ(findings.back().evidence, "last transition 90 s in the future");
}

TEST(Report, EndsWithACountAndColoursOnlyWhenAsked) {
  const Findings findings = {
      {Severity::error, "port", "router", "it is held", "seen so", "do this", "for ever"},
      {Severity::unknown, "firewall", "", "it is unclear", "", "", ""},
      {Severity::note, "clock", "", "it is late", "", "", ""}};
  EXPECT_EQ(to_text(findings, false), "error: gate router: it is held\n"
                                      "    seen: seen so\n"
                                      "    do:   do this\n"
                                      "    keep: for ever\n"
                                      "cannot tell: it is unclear\n"
                                      "note: it is late\n"
                                      "1 error, 1 thing that could not be judged\n");
  EXPECT_NE(to_text(findings, true).find("\033[1;31merror\033[0m: gate router"), std::string::npos);
  EXPECT_EQ(to_text({}, true), "nothing stands in the load balancer's way\n");
}

TEST(Report, TellsByItsExitCodeWhatIsWorst) {
  const auto code = [](std::initializer_list<Severity> severities) {
    Findings findings;
    for (const auto severity : severities) {
      findings.push_back({severity, "", "", "", "", "", ""});
    }
    return exit_code_of(findings);
  };
  EXPECT_EQ(code({}), 0);
  EXPECT_EQ(code({Severity::note}), 0);
  EXPECT_EQ(code({Severity::unknown, Severity::note}), 2);
  EXPECT_EQ(code({Severity::warning, Severity::unknown}), 1);
  EXPECT_EQ(code({Severity::error}), 1);
}

TEST(Kernel, WhatTheRunningDaemonGoesWithoutIsNoted) {
  config::Config config;
  DaemonState daemon;
  daemon.kind = DaemonState::Kind::running;
  daemon.snapshot.emplace();
  const auto notes = [&](const char* mode) {
    daemon.snapshot->table_mode = mode;
    Findings findings;
    check_kernel({config, daemon}, findings);
    return findings;
  };
  EXPECT_TRUE(notes("owner+persist").empty());
  ASSERT_EQ(notes("owner").size(), 1U);
  EXPECT_NE(notes("owner").front().what.find("gates close while the daemon is replaced"), std::string::npos);
  ASSERT_EQ(notes("plain").size(), 1U);
  EXPECT_NE(notes("plain").front().what.find("other programs can change ours"), std::string::npos);
  config.table_owner = config::TableOwner::no; // as it was asked for
  EXPECT_TRUE(notes("plain").empty());
}

} // namespace
} // namespace healthgate::app::doctor
