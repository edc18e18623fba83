// What differs between the table that the kernel lists and the one that a Ruleset asks for.
#pragma once

#include "core/ruleset.hpp"
#include "nft/model.hpp"

#include <optional>
#include <string>
#include <vector>

namespace healthgate::nft {

enum class Part {
  table,     // it is not there, or its flags differ
  object,    // a counter
  set,       // a set or map, its flags and sizes
  elements,  // of a set
  chain,     // a chain, its hook, priority, policy
  rules,     // of a chain: changed, added, removed, or in another order
  flowtable, // never ours
};

enum class Fault { missing, extra, differs };

struct Change {
  Part part;
  Fault fault;
  std::string name;
  friend bool operator==(const Change&, const Change&) = default;
};

// Empty when they agree. Not compared: the table's comment (it cannot be changed in place), counts, the
// elements of the sets that the packet path fills, and elements that the dump left out. Tens of µs for one
// gate.
std::vector<Change> compare(const std::optional<Table>& found, const Table& expected);

// "chain router_gate: rules differ", for reports; at most three changes are named.
std::string summary(const std::vector<Change>& changes);

// Elements of the lease set that no pulse can have made: of ports without a gate, of gates that are meant to
// be closed, without an end, or with one further away than the gate's lease. `malformed` says the set holds a
// catch-all.
std::vector<Element> forged_leases(const Set& lease, const core::Ruleset& desired);

} // namespace healthgate::nft
