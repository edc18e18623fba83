// All of nf_tables but our own table, as values: what other programs (firewalld, iptables-nft, a platform's
// own table, an administrator) have put in a packet's way. Read by `healthgate doctor`, never written.
//
// What it does not show: rules of iptables-legacy, tc and eBPF, which do not live in nf_tables.
#pragma once

#include "nft/model.hpp"
#include "nft/netlink_socket.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::nft {

// One element as the kernel lists it; of an interval set, one of its ends.
struct HostElement {
  Bytes key;
  Bytes key_end; // of a set of concatenated ranges: the far end; else empty
  bool interval_end = false;
  bool catch_all = false;   // `*`: whatever no other element holds
  bool conditional = false; // carries expressions of its own, such as a limit
  std::optional<expr::Verdict> verdict;
  Bytes data; // of a map to values
};

struct HostSet {
  std::uint32_t flags = 0; // NFT_SET_*
  std::uint32_t key_len = 0;
  std::vector<std::uint32_t> fields; // lengths of a concatenation, in bytes; empty: one field
  std::vector<HostElement> elements; // sorted by key; an end before a beginning of the same key
};

struct HostRule {
  Rule rule;
  std::uint64_t handle = 0;
};

struct HostChain {
  std::optional<Hook> hook;         // of a base chain
  std::vector<std::string> devices; // of an ingress chain
  std::vector<HostRule> rules;
};

struct HostTable {
  std::uint8_t family = 0; // NFPROTO_*
  std::string name;
  std::uint32_t flags = 0;
  std::map<std::string, HostChain, std::less<>> chains;
  std::map<std::string, HostSet, std::less<>> sets;
};

using HostRules = std::vector<HostTable>;

// "inet", "ip", ...
std::string_view family_text(std::uint8_t family);

// Every table of the calling thread's namespace but `inet healthgate`. Lockless; the parts are read one after
// the other, so a commit in between can give a picture that never was. Some 10 ms for 10,000 rules. Needs
// CAP_NET_ADMIN: EPERM without.
Result<HostRules> read_host_rules(NetlinkSocket& socket);

} // namespace healthgate::nft
