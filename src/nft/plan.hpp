// From what differs to the transaction that mends it, disturbing as little as may be:
//
//   rules of a chain differ   flush that chain and append its rules
//   elements differ           the difference, or flush and add where the set is small
//   a chain, set or counter   flush every rule, take down what is wrong, put up what is missing, append every
//   rule: is missing, extra, wrong  counters, lease and allow sets that are intact keep what they hold the
//   table                 delete it and make it anew
//
// Each is one atomic transaction, so that no packet meets a table half mended. Allow sets beyond
// `small_set_limit` are filled afterwards, in pieces.
#pragma once

#include "nft/batch.hpp"
#include "nft/diff.hpp"
#include "nft/intervals.hpp"
#include "nft/model.hpp"

#include <optional>
#include <string>
#include <vector>

namespace healthgate::nft {

// Intervals that the first transaction carries along; also up to where a set is read back whenever somebody
// commits.
inline constexpr std::size_t small_set_limit = 2000;
// Intervals in one of the transactions that fill a large set: 50 ms of the commit lock (nft-findings, 1.3).
inline constexpr std::size_t piece_size = 20000;

// An allow set that the plan leaves to be filled.
struct Filling {
  std::string set;
  IntervalDelta delta;
};

struct Plan {
  Batch batch;
  std::vector<Filling> fillings;
  bool recreated = false;  // the table is made anew
  bool lease_lost = false; // the lease set is made anew
};

// `adopt`: the table is a predecessor's orphan, to be taken into possession in the same transaction.
Plan plan(const std::optional<Table>& found, const Table& expected, const std::vector<Change>& changes,
          std::size_t batch_limit_bytes, bool adopt);

// Allow sets that `plan` would make anew and leave to be filled: their gates must stay closed until then.
std::vector<std::string> sets_to_fill_anew(const std::optional<Table>& found, const Table& expected,
                                           const std::vector<Change>& changes);

// True when the table has to be made anew.
bool beyond_repair(const std::optional<Table>& found, const std::vector<Change>& changes);

} // namespace healthgate::nft
