#include "nft/rules.hpp"

#include "nft/kernel_abi.hpp"

#include <cstring>

namespace healthgate::nft {
namespace {

constexpr std::uint32_t reg = NFT_REG_1; // every rule of ours needs one register at a time

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

} // namespace

// tcp flags syn / fin,syn,rst,ack tcp dport vmap @gates
Rule dispatch() {
  Rule rule;
  match_l4(rule, IPPROTO_TCP);
  rule += expr::Payload{NFT_PAYLOAD_TRANSPORT_HEADER, 13, 1, reg};
  rule += expr::Bitwise{reg, reg, Bytes(1, 0x17), Bytes(1, 0)};
  rule += expr::Cmp{reg, NFT_CMP_EQ, Bytes(1, 0x02)};
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
