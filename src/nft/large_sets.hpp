// Allow sets too large to be read back after every commit, and to be filled in one transaction: what the
// kernel is believed to hold of them, and what is still to be sent.
#pragma once

#include "nft/plan.hpp"

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace healthgate::nft {

bool is_large(const Set& expected);

class LargeSets {
public:
  // Before a dump: forgets fillings whose allowlist is no longer wanted. Returns the sets that need not be
  // read.
  std::unordered_set<std::string> prepare(const Table& expected);
  // After a dump that left those out: where another allowlist is wanted than the one held, gives `found` the
  // intervals that are held, so that the difference can be told without reading.
  void assume(Table& found, const Table& expected) const;

  // After a commit: takes note of the large sets of `expected`, of which `fillings` are left. `anew`: sets
  // that began empty.
  void committed(const Table& expected, std::vector<Filling> fillings, const std::vector<std::string>& anew);
  // What the kernel holds is not what was believed: the next dump reads it.
  void distrust(const std::string& set);

  [[nodiscard]] bool filling() const { return !active_.empty(); }
  // True while a set of gate or port `owner`, made anew, is not whole.
  [[nodiscard]] bool incomplete(std::string_view owner) const;
  // The next piece of the set that is filled first. Only while filling().
  [[nodiscard]] const Set& current() const { return active_.front().set; }
  DeltaPieces::Piece next() { return active_.front().pieces.next(); }
  // "allowlist router_allow4: 40000 of 100000"
  [[nodiscard]] std::string progress() const;
  // The piece is in. Returns true when that filled the set.
  bool advance();

private:
  struct Active {
    Set set;
    DeltaPieces pieces;
  };

  std::deque<Active> active_;
  std::unordered_map<std::string, std::shared_ptr<const core::Allowlist>> held_;
  std::unordered_set<std::string> partial_; // began empty, and have never been whole since
};

} // namespace healthgate::nft
