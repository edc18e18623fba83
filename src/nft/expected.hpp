// What a Ruleset asks the kernel to hold: the table of nft-templates/, as values.
#pragma once

#include "core/ruleset.hpp"
#include "nft/model.hpp"

#include <chrono>
#include <string>

namespace healthgate::nft {

// Timeout of the lease set. Gates with another lease are renewed by a rule that carries theirs, because a
// set's timeout cannot be changed while its elements live on.
inline constexpr std::chrono::milliseconds default_lease{3000};

// Bounds of the sets that the packet path fills.
inline constexpr std::uint32_t seen_limit = 1024;
inline constexpr std::chrono::milliseconds seen_timeout = std::chrono::hours(1);
inline constexpr std::uint32_t strangers_limit = 256;
inline constexpr std::chrono::milliseconds strangers_timeout = std::chrono::minutes(10);

// The whole table. `flags` as granted to us (flag_owner, flag_persist).
Table expected_table(const core::Ruleset& ruleset, std::uint32_t flags);

// The chain that a toggle rewrites: what a gate tells those who may ask.
Chain verdict_chain(const core::GateRules& gate);

// The chains that a guard's standing and its peers' health rewrite: NAME_guard, and NAME_relay if it relays.
std::vector<Chain> guard_chains(const core::GateRules& gate);

// What a pulse may renew: the gate's port, and those that its guard stands at.
std::vector<std::uint16_t> leased_ports(const core::GateRules& gate);

// The set of the ports whose lease is not the default: "ports_5000ms".
std::string ports_set_name(std::chrono::milliseconds lease);

// "healthgate 1.0.0; see healthgate audit"
std::string table_comment(const core::Ruleset& ruleset);

// The comment of the reject rule of a gate in open form.
inline constexpr std::string_view expired_comment = "lease expired: daemon silent";

// Elements in nf_tables' way: ports in network order.
Bytes port_key(std::uint16_t port);
std::uint16_t port_of(const Bytes& key);

// The intervals of one family, sorted. O(n), allocates 32 bytes for each.
std::vector<Interval> intervals_of(const core::Allowlist& allow, core::Family family);

} // namespace healthgate::nft
