// The live table against a Ruleset, as text that people read; for `healthgate audit`, with or without a
// daemon.
#pragma once

#include "core/ruleset.hpp"
#include "nft/error.hpp"
#include "nft/render.hpp"

#include <string>
#include <vector>

namespace healthgate::nft {

enum class AuditVerdict {
  same,
  drift,
  unknown, // the kernel could not be read: no privilege, or it never held still
};

// What the audited Ruleset knows.
enum class AuditScope {
  configuration, // gates, allowlists, rules. Form and comment of a gate and the nonce are the daemon's to
                 // choose
  exact,         // all of it: for the daemon itself
};

// One object that differs, in nft syntax. Text of the kernel may carry what others wrote: printable ASCII
// only.
struct Difference {
  std::string where;    // "table inet healthgate", "chain router_gate", "set router_allow4"
  std::string expected; // "" where nothing should be
  std::string found;    // "" where nothing is
};

struct Audit {
  AuditVerdict verdict = AuditVerdict::unknown;
  std::vector<Difference> differences;
  std::string why; // of unknown
};

// Reads on a socket of its own; takes no lock. Tens of µs for a gate, 0.1 s for 100,000 CIDRs.
Audit audit(const core::Ruleset& desired, AuditScope scope);

// The live table in canonical nft syntax, "" when there is none. What nft syntax we do not speak is shown as
// a comment with the expression's name and attributes.
Result<std::string> describe_live(Nonce nonce = Nonce::hidden);

} // namespace healthgate::nft
