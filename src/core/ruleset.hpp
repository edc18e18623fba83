// The table `inet healthgate` as a value: what the kernel shall hold. Pure data; nft/ turns it into a batch
// and into text, and compares it with what the kernel lists. See nft-templates/ for the table itself.
#pragma once

#include "core/allowlist.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::core {

// Longest comment of a rule that nft both prints and loads again (nft-findings, 6).
inline constexpr std::size_t comment_limit_bytes = 127;

// What unlisted sources get.
enum class Denied {
  drop,  // nothing comes back
  reset, // RST
};

// The two forms of a gate's chain. Open alone opens nothing: the lease must hold the port as well.
enum class ChainForm {
  open,   // `tcp dport @lease ... accept`, then reject
  closed, // reject only
};

// What new connections to the service's own ports get while it is dead.
enum class GuardMode {
  off,
  reset, // RST from this node, so that the balancer tries another at once
  relay, // DNAT to a healthy peer, reset where there is none
};

// A gate's guard: chain NAME_guard, with relay also NAME_relay and the sets NAME_guarded, NAME_peers4 and
// NAME_peers6. It acts while the guarded port has a lease: where a gate's lease lets in, a guard's keeps off.
struct GuardRules {
  GuardMode mode = GuardMode::off;
  std::vector<std::uint16_t> ports; // of the service; sorted
  std::vector<Address> peers;       // sorted: what comes from them is never relayed again
  std::vector<Address> healthy;     // of these, whom to relay to; sorted
  bool peers_by_name = false;       // the daemon finds more than the configuration says
  std::string comment;              // on the rule that resets; sanitized
  friend bool operator==(const GuardRules&, const GuardRules&) = default;
};

// One gate: chains NAME and NAME_gate, counters, allow sets, its element in `ports` and `gates`.
struct GateRules {
  std::string name; // [a-z][a-z0-9_]{0,31}: part of nft identifiers
  std::uint16_t port = 0;
  std::chrono::milliseconds lease{3000};
  ChainForm form = ChainForm::closed;
  std::string comment; // on the accept rule while open, on the reject rule while closed; sanitized
  Denied denied = Denied::drop;
  std::shared_ptr<const Allowlist> allow; // never null
  GuardRules guard;
};

// A port that is only allowlisted, never leased (metrics-listen).
struct PortRules {
  std::string name; // "metrics"
  std::uint16_t port = 0;
  std::shared_ptr<const Allowlist> allow; // never null
};

struct Ruleset {
  std::uint64_t revision = 0; // grows with every change; reports name it
  std::string version;        // of healthgate, for the table's comment
  std::uint64_t nonce = 0;    // what a pulse must carry to be believed
  std::vector<GateRules> gates;
  std::vector<PortRules> ports;
};

// `allow`, and these single addresses as well.
std::shared_ptr<const Allowlist> with_addresses(const Allowlist& allow, const std::vector<Address>& more);

// Keeps [A-Za-z0-9 .,:/_=+-], replaces every other byte by '_', cuts at comment_limit_bytes. Comments carry
// text that a probed service chose; nft prints them unescaped, so a quote or newline could inject rules.
std::string sanitize_comment(std::string_view text);

} // namespace healthgate::core
