// The way of a SYN into this host, and of its answer out, through everybody else's base chains: which of them
// let it pass, which stop it and by which rule, and where that cannot be told. Pure: rules and segment are
// values.
//
// Ours is left out: `healthgate audit` judges it. The bridge and arp families are, too: they see no IP
// packets that this host answers.
#pragma once

#include "nft/host_rules.hpp"
#include "nft/segment.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace healthgate::nft {

// What the way through a base chain came to.
enum class Fate {
  stopped,
  unknown, // stopped or not, depending on `doubt`
};

enum class Manner { dropped, rejected, diverted };

// A base chain that stops the segment, or may. Chains that certainly let it pass are not mentioned.
struct Obstacle {
  Fate fate = Fate::stopped;
  Manner manner = Manner::dropped;
  bool answer = false; // it is the answer that is stopped

  std::uint8_t family = 0;
  std::string table;
  std::uint32_t table_flags = 0;
  std::string base_chain;
  Hook hook;
  std::vector<std::string> trail;   // chains that were jumped through, the base chain first
  std::vector<std::string> visited; // every chain that was entered, in this order
  std::uint64_t handle = 0;         // of the rule; 0: it is the base chain's policy
  std::string rule;                 // in nft syntax, or "policy drop"
  std::string doubt;                // of unknown: what cannot be told

  friend bool operator==(const Obstacle&, const Obstacle&);
};

// Every obstacle for `syn` and for its answer. Each base chain is judged as if the others let it pass, so
// that all is found at once. A microsecond or so for each rule.
std::vector<Obstacle> walk(const HostRules& rules, const Segment& syn);

// "hook input priority 10", "hook prerouting priority -300".
std::string hook_text(const Obstacle& obstacle);

} // namespace healthgate::nft
