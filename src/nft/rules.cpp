#include "nft/rules.hpp"

#include "nft/kernel_abi.hpp"

#include <linux/rtnetlink.h>

#include <cstring>

namespace healthgate::nft {
namespace {

constexpr std::uint32_t reg = NFT_REG_1; // most rules of ours need one register at a time

Bytes host_u32(std::uint32_t value) {
  Bytes bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

Bytes network_u64(std::uint64_t value) {
  Bytes bytes;
  for (int shift = 56; shift >= 0; shift -= 8) {
    bytes.push_back(static_cast<char>(value >> shift & 0xff));
  }
  return bytes;
}

void operator+=(Rule& rule, Expr part) {
  rule.exprs.push_back(std::move(part));
}

void match(Rule& rule, Expr load, Bytes value) {
  rule += std::move(load);
  rule += expr::Cmp{reg, NFT_CMP_EQ, std::move(value)};
}

// iifname "lo", oifname "lo"
void match_loopback(Rule& rule, std::uint32_t key) {
  Bytes name("lo");
  name.resize(16); // IFNAMSIZ: the kernel compares the whole field
  match(rule, expr::Meta{key, reg}, name);
}

void match_l4(Rule& rule, std::uint8_t protocol) {
  match(rule, expr::Meta{NFT_META_L4PROTO, reg}, Bytes(1, static_cast<char>(protocol)));
}

void load_port(Rule& rule) {
  rule += expr::Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, reg};
}

// tcp dport @SET, udp dport @SET: the dependency on the protocol comes first, once a rule
void match_port(Rule& rule, std::uint8_t protocol, std::string_view set) {
  match_l4(rule, protocol);
  load_port(rule);
  rule += expr::Lookup{std::string(set), reg, {}, false};
}

void match_family(Rule& rule, core::Family family) {
  match(rule, expr::Meta{NFT_META_NFPROTO, reg},
        Bytes(1, static_cast<char>(family == core::Family::ipv4 ? NFPROTO_IPV4 : NFPROTO_IPV6)));
}

void load_source(Rule& rule, core::Family family) {
  rule += family == core::Family::ipv4 ? expr::Payload{NFT_PAYLOAD_NETWORK_HEADER, 12, 4, reg}
                                       : expr::Payload{NFT_PAYLOAD_NETWORK_HEADER, 8, 16, reg};
}

// ip saddr @SET, ip6 saddr @SET
void match_source(Rule& rule, core::Family family, std::string_view set) {
  match_family(rule, family);
  load_source(rule, family);
  rule += expr::Lookup{std::string(set), reg, {}, false};
}

void count(Rule& rule, std::string_view counter) {
  rule += expr::ObjectRef{NFT_OBJECT_COUNTER, std::string(counter)};
}

void decide(Rule& rule, std::int32_t code, std::string_view chain = {}) {
  rule += expr::Verdict{code, std::string(chain)};
}

// meta mark MARK oifname "lo" udp dport @SET @th,64,64 NONCE
Rule pulse(std::uint32_t mark, std::string_view set, std::uint64_t nonce) {
  Rule rule;
  match(rule, expr::Meta{NFT_META_MARK, reg}, host_u32(mark));
  match_loopback(rule, NFT_META_OIFNAME);
  match_port(rule, IPPROTO_UDP, set);
  match(rule, expr::Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 8, 8, reg}, network_u64(nonce));
  return rule;
}

void change_lease(Rule& rule, std::uint32_t op, std::chrono::milliseconds timeout = {}) {
  load_port(rule);
  rule += expr::Dynset{op, "lease", reg, timeout};
}

// tcp flags syn / fin,syn,rst,ack
void match_syn(Rule& rule) {
  match_l4(rule, IPPROTO_TCP);
  rule += expr::Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1, reg};
  rule += expr::Bitwise{reg, reg, Bytes(1, 0x17), Bytes(1, 0)};
  rule += expr::Cmp{reg, NFT_CMP_EQ, Bytes(1, 0x02)};
}

// jhash ip saddr . tcp sport mod COUNT seed 0x68670000 TURN
// A connection's source, not only its address: behind a balancer all have the same one.
void match_turn(Rule& rule, core::Family family, std::uint32_t count, std::uint32_t turn) {
  const bool v4 = family == core::Family::ipv4;
  match_family(rule, family);
  match_l4(rule, IPPROTO_TCP);
  rule += v4 ? expr::Payload{NFT_PAYLOAD_NETWORK_HEADER, 12, 4, NFT_REG_2}
             : expr::Payload{NFT_PAYLOAD_NETWORK_HEADER, 8, 16, NFT_REG_2};
  rule += expr::Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 0, 2,
                        v4 ? std::uint32_t{NFT_REG32_05} : std::uint32_t{NFT_REG_3}};
  rule += expr::Hash{NFT_REG_2, reg, v4 ? 8U : 20U, count, relay_seed};
  rule += expr::Cmp{reg, NFT_CMP_EQ, host_u32(turn)};
}

} // namespace

// tcp flags syn / fin,syn,rst,ack tcp dport vmap @gates
Rule dispatch() {
  Rule rule;
  match_syn(rule);
  load_port(rule);
  rule += expr::Lookup{"gates", reg, NFT_REG_VERDICT, false};
  return rule;
}

// meta mark 0x68670001 oifname "lo" udp dport @ports @th,64,64 NONCE update @lease { udp dport } drop comment
// "renew"
Rule renew(std::string_view ports, std::uint64_t nonce, std::chrono::milliseconds lease) {
  Rule rule = pulse(mark_renew, ports, nonce);
  change_lease(rule, NFT_DYNSET_OP_UPDATE, lease);
  decide(rule, NF_DROP);
  rule.comment = "renew";
  return rule;
}

// meta mark 0x68670000 oifname "lo" udp dport @lease @th,64,64 NONCE
//   update @lease { udp dport timeout 1ms } delete @lease { udp dport } drop comment "revoke"
// Shortened before it is deleted: `delete` alone may hit an expired twin and leave the live element
// (nft-findings, 2.4).
Rule revoke(std::uint64_t nonce) {
  Rule rule = pulse(mark_revoke, "lease", nonce);
  change_lease(rule, NFT_DYNSET_OP_UPDATE, std::chrono::milliseconds(1));
  change_lease(rule, NFT_DYNSET_OP_DELETE);
  decide(rule, NF_DROP);
  rule.comment = "revoke";
  return rule;
}

// meta mark 0x68670000 oifname "lo" udp dport @ports @th,64,64 NONCE drop comment "revoke what is not leased"
Rule revoke_unleased(std::uint64_t nonce) {
  Rule rule = pulse(mark_revoke, "ports", nonce);
  decide(rule, NF_DROP);
  rule.comment = "revoke what is not leased";
  return rule;
}

// iifname "lo" goto CHAIN
Rule local_goto(std::string_view chain) {
  Rule rule;
  match_loopback(rule, NFT_META_IIFNAME);
  decide(rule, NFT_GOTO, chain);
  return rule;
}

// ip saddr @NAME_allow4 goto CHAIN
Rule allowed_goto(core::Family family, std::string_view set, std::string_view chain) {
  Rule rule;
  match_source(rule, family, set);
  decide(rule, NFT_GOTO, chain);
  return rule;
}

// iifname "lo" accept
Rule local_accept() {
  Rule rule;
  match_loopback(rule, NFT_META_IIFNAME);
  decide(rule, NF_ACCEPT);
  return rule;
}

// ip saddr @NAME_allow4 accept
Rule allowed_accept(core::Family family, std::string_view set) {
  Rule rule;
  match_source(rule, family, set);
  decide(rule, NF_ACCEPT);
  return rule;
}

// ip saddr @NAME_allow4 update @NAME_seen4 { ip saddr }
// A rule of its own, without verdict: a full set ends the rule (NFT_BREAK), and must not end the gate.
Rule remember_allowed(core::Family family, std::string_view allow, std::string_view seen) {
  Rule rule;
  match_source(rule, family, allow);
  load_source(rule, family);
  rule += expr::Dynset{NFT_DYNSET_OP_UPDATE, std::string(seen), reg, {}};
  return rule;
}

// update @NAME_strangers4 { ip saddr }
Rule remember_stranger(core::Family family, std::string_view strangers) {
  Rule rule;
  match_family(rule, family);
  load_source(rule, family);
  rule += expr::Dynset{NFT_DYNSET_OP_UPDATE, std::string(strangers), reg, {}};
  return rule;
}

// counter name "NAME_denied" drop
// counter name "NAME_denied" reject with tcp reset
Rule denied(std::string_view counter, core::Denied answer) {
  if (answer == core::Denied::reset) {
    return reject(counter, {});
  }
  Rule rule;
  count(rule, counter);
  decide(rule, NF_DROP);
  return rule;
}

// tcp dport @lease counter name "NAME_accepted" accept comment "open since ..."
Rule accept_leased(std::string_view counter, std::string_view comment) {
  Rule rule;
  match_port(rule, IPPROTO_TCP, "lease");
  count(rule, counter);
  decide(rule, NF_ACCEPT);
  rule.comment = comment;
  return rule;
}

// iifname "lo" return
Rule local_return() {
  Rule rule;
  match_loopback(rule, NFT_META_IIFNAME);
  decide(rule, NFT_RETURN);
  return rule;
}

// tcp dport @lease counter name "NAME_guarded" reject with tcp reset comment "guard since ..."
Rule reject_guarded(std::string_view counter, std::string_view comment) {
  Rule rule;
  match_port(rule, IPPROTO_TCP, "lease");
  count(rule, counter);
  rule += expr::Reject{NFT_REJECT_TCP_RST, 0};
  rule.comment = comment;
  return rule;
}

// tcp flags syn / fin,syn,rst,ack tcp dport @NAME_guarded jump NAME_relay
// SYN alone: a packet of a connection that is older than conntrack would be taken for its first.
Rule dispatch_relay(std::string_view ports, std::string_view chain) {
  Rule rule;
  match_syn(rule);
  load_port(rule);
  rule += expr::Lookup{std::string(ports), reg, {}, false};
  decide(rule, NFT_JUMP, chain);
  return rule;
}

// tcp dport != @lease return
Rule return_unleased() {
  Rule rule;
  match_l4(rule, IPPROTO_TCP);
  load_port(rule);
  rule += expr::Lookup{"lease", reg, {}, true};
  decide(rule, NFT_RETURN);
  return rule;
}

// fib daddr type != local return
Rule return_passing_by() {
  Rule rule;
  rule += expr::Fib{NFTA_FIB_F_DADDR, NFT_FIB_RESULT_ADDRTYPE, reg};
  rule += expr::Cmp{reg, NFT_CMP_NEQ, host_u32(RTN_LOCAL)};
  decide(rule, NFT_RETURN);
  return rule;
}

// ip saddr @NAME_peers4 return comment "never relayed twice"
Rule return_relayed(core::Family family, std::string_view peers) {
  Rule rule;
  match_source(rule, family, peers);
  decide(rule, NFT_RETURN);
  rule.comment = "never relayed twice";
  return rule;
}

// jhash ip saddr . tcp sport mod COUNT seed 0x68670000 TURN counter name "NAME_relayed" dnat ip to PEER
Rule relay(std::string_view counter, const core::Address& peer, std::uint32_t count_, std::uint32_t turn) {
  const bool v4 = peer.family == core::Family::ipv4;
  Rule rule;
  match_turn(rule, peer.family, count_, turn);
  count(rule, counter);
  rule += expr::Value{reg, Bytes(reinterpret_cast<const char*>(peer.bytes.data()), v4 ? 4 : 16)};
  rule += expr::Dnat{v4 ? std::uint32_t{NFPROTO_IPV4} : std::uint32_t{NFPROTO_IPV6}, reg};
  return rule;
}

// ct status dnat tcp dport @NAME_guarded ip daddr @NAME_peers4 masquerade
Rule masquerade(core::Family family, std::string_view ports, std::string_view peers) {
  constexpr std::uint32_t status_dnat = 0x20; // IPS_DST_NAT, which no header for C++ has
  Rule rule;
  rule += expr::Ct{NFT_CT_STATUS, reg};
  rule += expr::Bitwise{reg, reg, host_u32(status_dnat), host_u32(0)};
  rule += expr::Cmp{reg, NFT_CMP_NEQ, host_u32(0)};
  match_port(rule, IPPROTO_TCP, ports);
  match_family(rule, family);
  rule += family == core::Family::ipv4 ? expr::Payload{NFT_PAYLOAD_NETWORK_HEADER, 16, 4, reg}
                                       : expr::Payload{NFT_PAYLOAD_NETWORK_HEADER, 24, 16, reg};
  rule += expr::Lookup{std::string(peers), reg, {}, false};
  rule += expr::Masquerade{};
  return rule;
}

// counter name "NAME_rejected" reject with tcp reset comment "closed since ..."
Rule reject(std::string_view counter, std::string_view comment) {
  Rule rule;
  match_l4(rule, IPPROTO_TCP);
  count(rule, counter);
  rule += expr::Reject{NFT_REJECT_TCP_RST, 0};
  rule.comment = comment;
  return rule;
}

} // namespace healthgate::nft
