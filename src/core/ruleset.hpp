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

// One gate: chains NAME and NAME_gate, counters, allow sets, its element in `ports` and `gates`.
struct GateRules {
  std::string name; // [a-z][a-z0-9_]{0,31}: part of nft identifiers
  std::uint16_t port = 0;
  std::chrono::milliseconds lease{3000};
  ChainForm form = ChainForm::closed;
  std::string comment; // on the accept rule while open, on the reject rule while closed; sanitized
  Denied denied = Denied::drop;
  std::shared_ptr<const Allowlist> allow; // never null
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

// Keeps [A-Za-z0-9 .,:/_=+-], replaces every other byte by '_', cuts at comment_limit_bytes. Comments carry
// text that a probed service chose; nft prints them unescaped, so a quote or newline could inject rules.
std::string sanitize_comment(std::string_view text);

} // namespace healthgate::core
