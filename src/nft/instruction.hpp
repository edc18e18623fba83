// One rule of somebody else's, run over one segment by a judge that admits what it does not know: registers
// whose content cannot be told, conditions that may hold or not.
//
// Assumed of the segment: it is the first of a new connection, below every rate limit.
#pragma once

#include "nft/host_rules.hpp"
#include "nft/segment.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::nft {

enum class Match { yes, no, maybe };

// Where in the kernel's path a rule stands.
struct Place {
  std::uint32_t hook = 0; // NF_INET_*; ingress chains have NF_INET_INGRESS
  std::int32_t priority = 0;
};

// What rules can leave behind for later ones. nullopt: it cannot be told.
struct Traces {
  std::optional<std::uint32_t> mark = 0;
  std::optional<std::uint32_t> connection_mark = 0;
  std::optional<bool> untracked = false; // by notrack
};

struct Action {
  enum class Kind {
    accept,
    drop,
    reject,
    divert, // to another address, port or program
    handed, // to a program that will say (queue, synproxy): it may pass, it may not
    jump,
    go_to,
    back, // return
  };
  Kind kind;
  std::string chain; // of jump and go_to
};

struct Step {
  Match match = Match::yes;
  std::vector<Action> actions; // one of them, if the rule matches; none: on to the next rule
  std::string doubt;           // of maybe, and of several actions: what cannot be told
};

// `firm`: whether this rule is certainly reached; traces that it leaves are unknown otherwise.
Step run_rule(const Rule& rule, const HostTable& table, const Segment& segment, Place place, bool firm,
              Traces& traces);

// The registers of a rule: 64 bytes, each word known or not.
class Registers {
public:
  void set(std::uint32_t reg, const Bytes& value);
  void set_unknown(std::uint32_t reg, std::size_t length, std::string_view why);
  void forget_all(std::string_view why);
  // Nothing when a part of it is not known; `doubt` then says why.
  std::optional<Bytes> get(std::uint32_t reg, std::size_t length, std::string& doubt) const;

private:
  std::array<char, 64> bytes_{};
  std::array<std::string, 16> doubts_; // "": known
};

// What a set holds for a key.
struct Found {
  Match match = Match::no;
  const HostElement* element = nullptr; // when it is there, or may be
};
Found look_up(const HostSet& set, const Bytes& key);

// `match` and `target` of iptables-nft: extensions of xtables, by name, with their structures. `family` is
// the table's.
struct Compat {
  Match match = Match::yes;
  std::string doubt;
};
Compat run_xt_match(std::string_view name, std::uint32_t revision, std::string_view info,
                    const Segment& segment, Place place, const Traces& traces);
// The action of a target, or none when the packet goes on. A mark that it sets is in `traces`.
Compat run_xt_target(std::string_view name, std::uint32_t revision, std::string_view info, bool firm,
                     Traces& traces, std::optional<Action>& action);

// enum ip_conntrack_info as nft's and xtables' bits: new, established, untracked, invalid.
std::uint32_t connection_state(const Segment& segment, Place place, bool untracked);

} // namespace healthgate::nft
