// The table `inet healthgate` as nf_tables holds it: chains, sets, counters, rules, elements. Two of these
// meet: the one a Ruleset asks for (expected.hpp) and the one the kernel lists (dump.hpp); diff.hpp compares
// them.
#pragma once

#include "core/allowlist.hpp"
#include "nft/expr.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::nft {

struct Hook { // of a base chain
  std::string type;
  std::uint32_t number = 0;
  std::int32_t priority = 0;
  std::uint32_t policy = 0;
  friend bool operator==(const Hook&, const Hook&) = default;
};

struct Chain {
  std::string name;
  std::optional<Hook> hook;
  std::vector<Rule> rules;
};

// Both ends included. IPv4 uses the first four bytes, the rest is zero.
struct Interval {
  std::array<std::uint8_t, 16> first{};
  std::array<std::uint8_t, 16> last{};
  friend auto operator<=>(const Interval&, const Interval&) = default;
};

struct Element {
  Bytes key;
  std::optional<expr::Verdict> verdict;
  std::chrono::milliseconds timeout{};                 // 0: the set's own
  std::optional<std::chrono::milliseconds> expiration; // none: never expires
  // Expiration moves with every look, and is judged apart.
  friend bool operator==(const Element& a, const Element& b) {
    return a.key == b.key && a.verdict == b.verdict;
  }
};

// What a set is to us: decides which of its elements matter.
enum class SetRole {
  fixed,   // ports, gates: elements as configured
  allow,   // intervals as configured
  lease,   // moved by pulses; judged against the gates
  sources, // seen and strangers: the kernel's to fill
  foreign, // not ours
};

struct Set {
  std::string name;
  std::uint32_t flags = 0;
  std::uint32_t key_type = 0;
  std::uint32_t key_len = 0;
  std::uint32_t data_type = 0;
  std::uint32_t data_len = 0;
  std::uint32_t size = 0;
  std::uint32_t gc_interval_ms = 0;
  std::chrono::milliseconds timeout{};

  SetRole role = SetRole::foreign;
  std::vector<Element> elements;                // all but interval sets; sorted by key
  std::vector<Interval> intervals;              // interval sets of a dump; sorted
  std::shared_ptr<const core::Allowlist> allow; // interval sets of a Ruleset; elements are derived from it
  bool elements_known = true;                   // a dump may leave out the elements of a large set
  bool malformed = false;                       // a dump's intervals that have no end, or no start
};

struct Object {
  std::string name;
  std::uint32_t type = 0;
  friend bool operator==(const Object&, const Object&) = default;
};

struct Table {
  std::uint32_t flags = 0;
  std::uint32_t owner = 0; // port id of the owning socket, 0: nobody's
  std::uint32_t use = 0;   // objects in it, by the kernel's own count
  std::string comment;
  std::vector<Object> objects;
  std::vector<Set> sets;
  std::vector<Chain> chains;
  std::vector<std::string> flowtables; // never ours
};

template <typename T> const T* find(const std::vector<T>& all, std::string_view name) {
  for (const T& one : all) {
    if (one.name == name) {
      return &one;
    }
  }
  return nullptr;
}
template <typename T> T* find(std::vector<T>& all, std::string_view name) {
  return const_cast<T*>(find(std::as_const(all), name));
}

} // namespace healthgate::nft
