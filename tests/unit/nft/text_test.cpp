// Each rule builder against the line that it stands for: what the decompiler says is what the template says.
#include "nft/text.hpp"

#include "nft/expected.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/rules.hpp"

#include <gtest/gtest.h>

namespace healthgate::nft {
namespace {

using core::Family;
using std::chrono::milliseconds;

constexpr std::uint64_t nonce = 0x1122334455667788;

TEST(RuleText, EachBuilderSaysTheLineThatItStandsFor) {
  struct Row {
    Rule rule;
    std::string line;
  };
  const Row rows[] = {
      {dispatch(), "tcp flags syn / fin,syn,rst,ack tcp dport vmap @gates"},
      {renew("ports", nonce, {}),
       "meta mark 0x68670001 oifname \"lo\" udp dport @ports @th,64,64 0x1122334455667788 "
       "update @lease { udp dport } drop comment \"renew\""},
      {renew("ports_5000ms", nonce, milliseconds(5000)),
       "meta mark 0x68670001 oifname \"lo\" udp dport @ports_5000ms @th,64,64 0x1122334455667788 "
       "update @lease { udp dport timeout 5s } drop comment \"renew\""},
      {revoke(nonce),
       "meta mark 0x68670000 oifname \"lo\" udp dport @lease @th,64,64 0x1122334455667788 "
       "update @lease { udp dport timeout 1ms } delete @lease { udp dport } drop comment \"revoke\""},
      {revoke_unleased(nonce),
       "meta mark 0x68670000 oifname \"lo\" udp dport @ports @th,64,64 0x1122334455667788 "
       "drop comment \"revoke what is not leased\""},
      {local_goto("router_gate"), "iifname \"lo\" goto router_gate"},
      {allowed_goto(Family::ipv4, "router_allow4", "router_gate"),
       "ip saddr @router_allow4 goto router_gate"},
      {allowed_goto(Family::ipv6, "router_allow6", "router_gate"),
       "ip6 saddr @router_allow6 goto router_gate"},
      {local_accept(), "iifname \"lo\" accept"},
      {allowed_accept(Family::ipv4, "metrics_allow4"), "ip saddr @metrics_allow4 accept"},
      {remember_allowed(Family::ipv4, "router_allow4", "router_seen4"),
       "ip saddr @router_allow4 update @router_seen4 { ip saddr }"},
      {remember_stranger(Family::ipv6, "router_strangers6"), "update @router_strangers6 { ip6 saddr }"},
      {denied("router_denied", core::Denied::drop), "counter name \"router_denied\" drop"},
      {denied("router_denied", core::Denied::reset),
       "meta l4proto tcp counter name \"router_denied\" reject with tcp reset"},
      {accept_leased("router_accepted", "open since now"),
       "tcp dport @lease counter name \"router_accepted\" accept comment \"open since now\""},
      {reject("router_rejected", "closed"),
       "meta l4proto tcp counter name \"router_rejected\" reject with tcp reset comment \"closed\""},
      {local_return(), "iifname \"lo\" return"},
      {reject_guarded("router_guarded", "standing"),
       "tcp dport @lease counter name \"router_guarded\" reject with tcp reset comment \"standing\""},
      {dispatch_relay("router_guarded", "router_relay"),
       "tcp flags syn / fin,syn,rst,ack tcp dport @router_guarded jump router_relay"},
      {return_unleased(), "tcp dport != @lease return"},
      {return_passing_by(), "fib daddr type != local return"},
      {return_relayed(Family::ipv6, "router_peers6"),
       "ip6 saddr @router_peers6 return comment \"never relayed twice\""},
      {relay("router_relayed", core::Address::parse("192.0.2.24").value(), 2, 1),
       "jhash ip saddr . tcp sport mod 2 seed 0x68670000 1 counter name \"router_relayed\" "
       "dnat ip to 192.0.2.24"},
      {relay("router_relayed", core::Address::parse("2001:db8::24").value(), 1, 0),
       "jhash ip6 saddr . tcp sport mod 1 seed 0x68670000 0 counter name \"router_relayed\" "
       "dnat ip6 to 2001:db8::24"},
      {masquerade(Family::ipv4, "router_guarded", "router_peers4"),
       "ct status dnat tcp dport @router_guarded ip daddr @router_peers4 masquerade"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(to_text(row.rule, Nonce::shown), row.line);
  }
}

TEST(RuleText, TheNonceIsHiddenFromPeople) {
  EXPECT_NE(to_text(revoke(nonce), Nonce::hidden).find("@th,64,64 0x0 "), std::string::npos);
  EXPECT_EQ(to_text(revoke(nonce), Nonce::hidden).find("1122"), std::string::npos);
}

TEST(RuleText, AForeignInstructionMakesTheLineAComment) {
  Rule rule = dispatch();
  rule.exprs.push_back(expr::Raw{"limit", Bytes("\x01\x02", 2)});
  EXPECT_EQ(to_text(rule, Nonce::hidden),
            "# not understood: tcp flags syn / fin,syn,rst,ack tcp dport vmap @gates [ limit 0x102 ]");
}

TEST(RuleText, WhatOthersNamedCannotInjectRules) {
  Rule rule = accept_leased("a\" drop\n", "x\" }\ntable inet evil { \\");
  EXPECT_EQ(to_text(rule, Nonce::hidden),
            "tcp dport @lease counter name \"a_ drop_\" accept comment \"x_ }_table inet evil { _\"");
}

TEST(IntervalText, BlocksArePrefixesAndTheRestAreRanges) {
  const auto interval = [](std::array<std::uint8_t, 4> first, std::array<std::uint8_t, 4> last) {
    Interval made;
    std::copy(first.begin(), first.end(), made.first.begin());
    std::copy(last.begin(), last.end(), made.last.begin());
    return to_text(made, 4);
  };
  EXPECT_EQ(interval({10, 0, 0, 0}, {10, 255, 255, 255}), "10.0.0.0/8");
  EXPECT_EQ(interval({10, 0, 0, 1}, {10, 0, 0, 1}), "10.0.0.1");
  EXPECT_EQ(interval({0, 0, 0, 0}, {255, 255, 255, 255}), "0.0.0.0/0");
  EXPECT_EQ(interval({10, 0, 0, 5}, {10, 0, 0, 9}), "10.0.0.5-10.0.0.9");
  EXPECT_EQ(interval({10, 0, 0, 2}, {10, 0, 0, 5}), "10.0.0.2-10.0.0.5");
}

} // namespace
} // namespace healthgate::nft
