// Others' rules, loaded into a real kernel by nft and iptables-nft, read back and judged.
#include "nft/host_rules.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/walk.hpp"
#include "unit/nft/kernel_fixture.hpp"

#include <gtest/gtest.h>

#include <regex>

namespace healthgate::nft {
namespace {

using testing::KernelTest;

core::Address address(const std::string& text) {
  return core::Address::parse(text).value();
}

// The load balancer's SYN to the gate, arriving by eth0.
Segment syn(const std::string& source = "10.0.0.9", const std::string& destination = "10.0.0.1") {
  return {address(source), address(destination), 40000, 18898, false, {"eth0", 2, 1}};
}

// Loads rules; nft 1.0.6 wants a line end between closing braces.
void load(const std::string& ruleset) {
  testing::load(std::regex_replace(ruleset, std::regex("\\} (?=\\})"), "}\n"));
}

HostRules read() {
  NetlinkSocket socket("test");
  auto rules = read_host_rules(socket);
  EXPECT_TRUE(rules.ok()) << (rules ? "" : rules.error().what);
  return rules ? std::move(rules).value() : HostRules{};
}

// One word a base chain that is in the way: its table, what happens there and by what, or what is not known.
std::string judge(const Segment& segment) {
  std::string text;
  for (const Obstacle& one : walk(read(), segment)) {
    const char* manners[] = {"dropped", "rejected", "diverted"};
    text += (text.empty() ? "" : "; ") + std::string(one.answer ? "answer " : "") + one.table + " ";
    text += one.fate == Fate::unknown ? "unknown: " + one.doubt : manners[static_cast<int>(one.manner)];
    text += " [" + one.trail.back() + "] " + one.rule;
  }
  return text;
}

struct Case {
  std::string name;
  std::string ruleset;
  std::string obstacles;
};

std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.name;
}

// A chain `c` on hook input with these rules.
Case in(const std::string& name, const std::string& rules, const std::string& obstacles) {
  return {name, "table inet t { chain c { type filter hook input priority 10;\n" + rules + "\n} }",
          obstacles};
}

class HostWalk : public KernelTest, public ::testing::WithParamInterface<Case> {};

TEST_P(HostWalk, JudgesASyn) {
  load(GetParam().ruleset);
  EXPECT_EQ(judge(syn()), GetParam().obstacles);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, HostWalk,
    ::testing::Values(
        Case{"NoTablesAtAll", "", ""}, //
        in("OtherPortsAreDropped", "tcp dport 22 drop", ""),
        in("ThePortIsDropped", "tcp dport 18898 drop", "t dropped [c] tcp dport 18898 drop"),
        in("ThePortIsRejected", "tcp dport 18898 reject with tcp reset",
           "t rejected [c] tcp dport 18898 reject with tcp reset"),
        in("AcceptedBeforeItIsDropped", "ip saddr 10.0.0.0/24 accept\ndrop", ""),
        in("AcceptedForOthersBeforeItIsDropped", "ip saddr 10.1.0.0/24 accept\ndrop", "t dropped [c] drop"),
        in("AnotherFamilyIsDropped", "meta nfproto ipv6 drop\nip6 saddr fd00::/8 drop", ""),
        in("AnotherProtocolIsDropped", "meta l4proto udp drop\nudp dport 18898 drop\nip protocol icmp drop",
           ""),
        in("ARangeHoldsThePort", "tcp dport 18000-19000 drop", "t dropped [c] tcp dport 18000-19000 drop"),
        in("ARangeEndsBeforeThePort", "tcp dport 18000-18897 drop", ""),
        in("AnotherInterface", "iifname \"eth1\" drop\niifname \"wg*\" drop", ""),
        in("ByTheInterfacesName", "iifname \"eth*\" drop", "t dropped [c] iifname \"eth*\" drop"),
        in("OnlyInvalidIsDropped", "ct state invalid drop\nct state established,related accept", ""),
        in("NewIsDropped", "ct state new drop", "t dropped [c] ct state new drop"),
        in("RateLimitsAreNotReached", "tcp dport 18898 limit rate over 10/second drop", ""),
        in("BelowTheRateItIsAccepted", "tcp dport 18898 limit rate 10/second accept\ndrop", ""),
        in("AMeterIsNotReached", "tcp dport 18898 meter m { ip saddr limit rate over 10/second } drop", ""),
        in("ConnectionCountsAreNotReached", "tcp dport 18898 ct count over 20 reject", ""),
        in("OthersMarks", "meta mark 0x8000 drop", ""),
        in("AMarkSetBefore", "meta mark set 0x8000\nmeta mark and 0x8000 == 0x8000 drop",
           "t dropped [c] meta mark & 0x00008000 == 0x00008000 drop"),
        in("AReverseRouteThatIsThere", "fib saddr . iif oif missing drop\nfib saddr . mark . iif oif 0 drop",
           ""),
        in("ALocalAddress", "fib daddr type != local drop\nfib daddr type local accept\ndrop", ""),
        in("WhatCannotBeTold", "meta cpu 0 drop", "t unknown: meta cpu [c] meta cpu 0x00000000 drop"),
        in("DoubtThatChangesNothing", "meta cpu 0 log\nmeta cpu 1 accept\naccept", ""),
        in("DoubtThatIsSettledByADrop", "meta cpu 0 drop\ndrop", "t dropped [c] drop"),
        in("DoubtBeforeADrop", "meta cpu 0 accept\ntcp dport 18898 drop",
           "t unknown: meta cpu [c] tcp dport 18898 drop"),
        in("LinkLayerAddressesCannotBeTold", "ether saddr 02:00:00:00:00:01 accept\ndrop",
           "t unknown: the link-layer header [c] drop"),
        Case{"PolicyDrop", "table inet t { chain c { type filter hook input priority 10; policy drop; } }",
             "t dropped [c] policy drop"},
        Case{"PolicyDropWithTheHoleInASet",
             "table inet t { set s { type inet_service; elements = { 22, 18898 } }\n"
             "chain c { type filter hook input priority 10; policy drop; tcp dport @s accept; } }",
             ""},
        Case{"PolicyDropWithoutTheHoleInASet",
             "table inet t { set s { type inet_service; elements = { 22, 80 } }\n"
             "chain c { type filter hook input priority 10; policy drop; tcp dport @s accept; } }",
             "t dropped [c] policy drop"},
        Case{"AnIntervalSetOfSources",
             "table inet t { set s { type ipv4_addr; flags interval; elements = { 9.0.0.0/8, 10.0.0.0/28, "
             "10.0.1.0-10.0.2.7 } }\nchain c { type filter hook input priority 10; policy drop; ip saddr @s "
             "accept; } }",
             ""},
        Case{"BesideTheIntervalsOfASet",
             "table inet t { set s { type ipv4_addr; flags interval; elements = { 9.0.0.0/8, 10.0.0.0/29, "
             "10.0.1.0-10.0.2.7 } }\nchain c { type filter hook input priority 10; policy drop; ip saddr @s "
             "accept; } }",
             "t dropped [c] policy drop"},
        Case{"AConcatenationOfRanges",
             "table inet t { set s { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/24 "
             ". "
             "18000-18999 } }\nchain c { type filter hook input priority 10; policy drop; ip saddr . tcp "
             "dport @s "
             "accept; } }",
             ""},
        Case{"BesideAConcatenationOfRanges",
             "table inet t { set s { type ipv4_addr . inet_service; flags interval; elements = { 10.0.0.0/24 "
             ". "
             "18000-18800 } }\nchain c { type filter hook input priority 10; policy drop; ip saddr . tcp "
             "dport @s "
             "accept; } }",
             "t dropped [c] policy drop"},
        Case{"AVerdictMapOfStates",
             "table inet t { chain c { type filter hook input priority 10; policy drop; ct state vmap { "
             "invalid : "
             "drop, established : accept, new : jump n }; }\nchain n { tcp dport 18898 accept; } }",
             ""},
        Case{"AVerdictMapThatDropsBySource",
             "table inet t { map m { type ipv4_addr : verdict; flags interval; elements = { 10.0.0.8/29 : "
             "goto n } "
             "}\nchain c { type filter hook input priority 10; ip saddr vmap @m; }\nchain n { counter drop; "
             "} }",
             "t dropped [n] counter drop"},
        Case{"ReturnEndsAJumpAndNotAGoto",
             "table inet t { chain c { type filter hook input priority 10; jump a; accept; }\n"
             "chain a { goto b; drop; }\nchain b { return; drop; } }",
             ""},
        Case{"EarlierAndLaterChainsAreAllNamed",
             "table inet a { chain c { type filter hook input priority -400; tcp dport 18898 drop; } }\n"
             "table ip b { chain c { type filter hook prerouting priority -300; tcp dport 18898 drop; } }\n"
             "table inet d { chain c { type filter hook input priority 20; policy drop; } }",
             "b dropped [c] tcp dport 18898 drop; a dropped [c] tcp dport 18898 drop; d dropped [c] policy "
             "drop"},
        Case{"TheOtherIpFamilysTable",
             "table ip6 b { chain c { type filter hook input priority 0; policy drop; } }", ""},
        Case{"ForwardedPacketsOnly",
             "table inet b { chain c { type filter hook forward priority 0; policy drop; } }", ""},
        Case{"ADormantTable",
             "table inet b { flags dormant; chain c { type filter hook input priority 0; policy drop; } }",
             ""},
        Case{"ThePortIsRedirected",
             "table ip n { chain c { type nat hook prerouting priority -100; tcp dport 18898 redirect to "
             ":80; } }",
             "n diverted [c] tcp dport 18898 redirect"},
        Case{"TheAnswerIsDropped",
             "table inet o { chain c { type filter hook output priority 0; policy drop; ct state established "
             "accept; } }",
             ""},
        Case{
            "UntrackedAnswersAreDropped",
            "table inet o { chain r { type filter hook prerouting priority -300; tcp dport 18898 notrack; }\n"
            "chain q { type filter hook output priority -300; tcp sport 18898 notrack; }\n"
            "chain c { type filter hook output priority 0; policy drop; ct state established accept; } }",
            "answer o dropped [c] policy drop"}),
    [](const auto& parameter) { return parameter.param.name; });

class HostWalkIptables : public KernelTest, public ::testing::WithParamInterface<Case> {};

TEST_P(HostWalkIptables, JudgesASyn) {
  testing::run(GetParam().ruleset);
  EXPECT_EQ(judge(syn()), GetParam().obstacles);
}

INSTANTIATE_TEST_SUITE_P(
    Rules, HostWalkIptables,
    ::testing::Values(
        Case{"ThePortIsDropped", "iptables-nft -A INPUT -p tcp --dport 18898 -j DROP",
             "filter dropped [INPUT] tcp dport 18898 counter drop"},
        Case{"AnotherPortIsDropped", "iptables-nft -A INPUT -p tcp --dport 22 -j DROP", ""},
        Case{"RejectedByATarget", "iptables-nft -A INPUT -p tcp -j REJECT --reject-with icmp-host-prohibited",
             "filter rejected [INPUT] meta l4proto tcp counter xt target \"REJECT\""},
        Case{"AcceptedByConntrackState",
             "iptables-nft -A INPUT -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT; iptables-nft -P INPUT "
             "DROP",
             ""},
        Case{"NotAcceptedByConntrackState",
             "iptables-nft -A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT; iptables-nft -P INPUT "
             "DROP",
             "filter dropped [INPUT] policy drop"},
        Case{"AcceptedByMultiport",
             "iptables-nft -A INPUT -p tcp -m multiport --dports 80,18000:18999 -m comment --comment lb -j "
             "ACCEPT; "
             "iptables-nft -P INPUT DROP",
             ""},
        Case{"NotAcceptedByMultiport",
             "iptables-nft -A INPUT -p tcp -m multiport --dports 80,18000:18800 -j ACCEPT; iptables-nft -P "
             "INPUT DROP",
             "filter dropped [INPUT] policy drop"},
        Case{"AcceptedByAddressType",
             "iptables-nft -A INPUT -m addrtype --dst-type LOCAL -j ACCEPT; iptables-nft -P INPUT DROP", ""},
        Case{"DroppedByARangeOfAddresses",
             "iptables-nft -A INPUT -m iprange --src-range 10.0.0.5-10.0.0.15 -j DROP",
             "filter dropped [INPUT] xt match \"iprange\" counter drop"},
        Case{"AMarkThatDrops",
             "iptables-nft -N M; iptables-nft -A M -j MARK --set-xmark 0x8000/0x8000; iptables-nft -A INPUT "
             "-j M; "
             "iptables-nft -A INPUT -m mark --mark 0x8000/0x8000 -j DROP",
             "filter dropped [INPUT] meta mark & 0x00008000 == 0x00008000 counter drop"},
        Case{"ChanceCannotBeTold",
             "iptables-nft -A INPUT -m statistic --mode random --probability 0.5 -j DROP",
             "filter unknown: iptables -m statistic [INPUT] xt match \"statistic\" counter drop"},
        Case{"LogsAndGoesOn", "iptables-nft -A INPUT -p tcp -j LOG; iptables-nft -A INPUT -p udp -j DROP",
             ""},
        Case{"DroppedInTheRawTable", "iptables-nft -t raw -A PREROUTING -s 10.0.0.9 -j DROP",
             "raw dropped [PREROUTING] ip saddr 10.0.0.9 counter drop"},
        Case{"UntrackedByTheRawTable",
             "iptables-nft -t raw -A PREROUTING -p tcp --dport 18898 -j CT --notrack; "
             "iptables-nft -A INPUT -m conntrack --ctstate NEW -j ACCEPT; iptables-nft -P INPUT DROP",
             "filter dropped [INPUT] policy drop"}),
    [](const auto& parameter) { return parameter.param.name; });

TEST(HostWalkOfValues, SaysWhatItDoesNotKnow) {
  HostTable table{NFPROTO_INET, "t", 0, {}, {}};
  HostChain& chain = table.chains["c"];
  chain.hook = Hook{"filter", NF_INET_LOCAL_IN, 0, NF_ACCEPT};
  const auto told = [&](const Expr& first) {
    chain.rules = {{{{first, expr::Verdict{NF_DROP, ""}}, ""}, 7}};
    const auto obstacles = walk({table}, syn());
    return obstacles.empty() ? std::string("passes") : obstacles[0].doubt;
  };
  EXPECT_EQ(told(expr::Raw{"queue", ""}), "a program that it is queued to");
  EXPECT_EQ(told(expr::Raw{"invented", "abc"}), "the instruction invented");
  EXPECT_EQ(told(expr::Lookup{"gone", NFT_REG_1, {}, false}), "set gone, which is not listed");
  EXPECT_EQ(told(expr::Cmp{99, NFT_CMP_EQ, "x"}), "a register that does not exist");
  EXPECT_EQ(told(expr::Verdict{NFT_JUMP, "gone"}), "chain gone, which is not listed");
  EXPECT_EQ(told(expr::Raw{"counter", ""}), ""); // certain
}

TEST(HostWalkOfValues, EndsWhereChainsJumpInCircles) {
  HostTable table{NFPROTO_INET, "t", 0, {}, {}};
  HostChain& chain = table.chains["c"];
  chain.hook = Hook{"filter", NF_INET_LOCAL_IN, 0, NF_DROP};
  chain.rules.assign(2, {{{expr::Verdict{NFT_JUMP, "c"}}, ""}, 1});
  const auto obstacles = walk({table}, syn());
  ASSERT_EQ(obstacles.size(), 1U);
  EXPECT_EQ(obstacles[0].doubt, "chains that jump too deep");
}

class HostRulesOfIngress : public KernelTest {};

TEST_F(HostRulesOfIngress, CountOnTheInterfaceOfTheSyn) {
  testing::run("ip link add eth0 type veth peer name eth1");
  load("table netdev n { chain c { type filter hook ingress device eth0 priority 0; tcp dport 18898 "
       "drop; } }");
  EXPECT_EQ(judge(syn()), "n dropped [c] tcp dport 18898 drop");
  load("delete table netdev n\n"
       "table netdev n { chain c { type filter hook ingress device eth1 priority 0; tcp dport 18898 "
       "drop; } }");
  EXPECT_EQ(judge(syn()), "");
}

class HostRulesOfIpv6 : public KernelTest {};

TEST_F(HostRulesOfIpv6, AreJudgedForAnIpv6Source) {
  load("table ip t { chain c { type filter hook input priority 0; policy drop; } }\n"
       "table ip6 u { chain c { type filter hook input priority 0; policy drop; ip6 saddr fd77::/64 "
       "accept; } }");
  EXPECT_EQ(judge(syn("fd77::9", "fd77::1")), "");
  EXPECT_EQ(judge(syn("fd78::9", "fd77::1")), "u dropped [c] policy drop");
  EXPECT_EQ(judge(syn()), "t dropped [c] policy drop");
}

class HostRulesRead : public KernelTest {};

TEST_F(HostRulesRead, LeaveOurOwnTableOut) {
  load("table inet healthgate { chain c { type filter hook input priority 0; policy drop; } }\n"
       "table ip healthgate { chain c { type filter hook input priority 0; policy accept; } }");
  const HostRules rules = read();
  ASSERT_EQ(rules.size(), 1U);
  EXPECT_EQ(family_text(rules[0].family), "ip");
  EXPECT_EQ(judge(syn()), "");
}

TEST_F(HostRulesRead, KeepTheHandleThatNftNames) {
  load("table inet t { chain c { type filter hook input priority 0; tcp dport 1 drop; tcp dport "
       "18898 drop; } }");
  const auto obstacles = walk(read(), syn());
  ASSERT_EQ(obstacles.size(), 1U);
  testing::run("nft delete rule inet t c handle " + std::to_string(obstacles[0].handle));
  EXPECT_EQ(judge(syn()), "");
  EXPECT_EQ(hook_text(obstacles[0]), "hook input priority 0");
}

} // namespace
} // namespace healthgate::nft
