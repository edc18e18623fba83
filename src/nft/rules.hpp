// Builders of our rules. Each stands, in rules.cpp, under the same rule in nft syntax, with the instructions
// that nft 1.0.6 makes of it (`nft --debug=netlink`), so that `nft list table` prints the line that the
// template holds.
#pragma once

#include "core/allowlist.hpp"
#include "core/ruleset.hpp"
#include "nft/expr.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace healthgate::nft {

// Marks that tell a pulse from other datagrams on loopback.
inline constexpr std::uint32_t mark_renew = 0x68670001;
inline constexpr std::uint32_t mark_revoke = 0x68670000;

// Any, as long as it is the same in all rules of a gate: each takes its turn of one hash.
inline constexpr std::uint32_t relay_seed = 0x68670000;

// Chain input.
Rule dispatch();

// Chain pulse. `ports` is the set of the ports that share `lease`; 0: the lease set's own.
Rule renew(std::string_view ports, std::uint64_t nonce, std::chrono::milliseconds lease);
Rule revoke(std::uint64_t nonce);
Rule revoke_unleased(std::uint64_t nonce);

// Who may ask.
Rule local_goto(std::string_view chain);
Rule allowed_goto(core::Family family, std::string_view set, std::string_view chain);
Rule local_accept();
Rule allowed_accept(core::Family family, std::string_view set);
Rule remember_allowed(core::Family family, std::string_view allow, std::string_view seen);
Rule remember_stranger(core::Family family, std::string_view strangers);
Rule denied(std::string_view counter, core::Denied answer);

// The guard: chains NAME_guard, NAME_relay, prerouting and postrouting.
Rule local_return();
Rule reject_guarded(std::string_view counter, std::string_view comment);
Rule dispatch_relay(std::string_view ports, std::string_view chain);
Rule return_unleased();
Rule return_passing_by();
Rule return_relayed(core::Family family, std::string_view peers);
// Turn `turn` of `count`, both from 0.
Rule relay(std::string_view counter, const core::Address& peer, std::uint32_t count, std::uint32_t turn);
Rule masquerade(core::Family family, std::string_view ports, std::string_view peers);

// What they are told.
Rule accept_leased(std::string_view counter, std::string_view comment);
Rule reject(std::string_view counter, std::string_view comment);

} // namespace healthgate::nft
