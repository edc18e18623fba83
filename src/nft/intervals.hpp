// What to take out of an interval set and what to put in, in pieces that the commit lock is not held long
// for.
#pragma once

#include "nft/model.hpp"

#include <cstddef>
#include <span>
#include <vector>

namespace healthgate::nft {

// Intervals that differ; both lists sorted.
struct IntervalDelta {
  std::vector<Interval> remove;
  std::vector<Interval> add;
  [[nodiscard]] std::size_t size() const { return remove.size() + add.size(); }
};

// From `found` to `wanted`, both sorted and each without overlaps. O(n).
IntervalDelta delta(const std::vector<Interval>& found, const std::vector<Interval>& wanted);

// Hands out a delta in address order, in pieces of about `piece` intervals. What overlaps stays in one piece,
// so that the kernel sees the removal with what takes its place, and no address falls out for a moment.
class DeltaPieces {
public:
  struct Piece {
    std::span<const Interval> remove;
    std::span<const Interval> add;
  };

  DeltaPieces(IntervalDelta whole, std::size_t piece);
  [[nodiscard]] bool done() const { return removed_ == whole_.remove.size() && added_ == whole_.add.size(); }
  [[nodiscard]] std::size_t total() const { return whole_.size(); }
  [[nodiscard]] std::size_t handed_out() const { return removed_ + added_; }
  Piece next();

private:
  IntervalDelta whole_;
  std::size_t piece_;
  std::size_t removed_ = 0;
  std::size_t added_ = 0;
};

} // namespace healthgate::nft
