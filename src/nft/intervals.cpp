#include "nft/intervals.hpp"

#include <algorithm>
#include <iterator>

namespace healthgate::nft {

IntervalDelta delta(const std::vector<Interval>& found, const std::vector<Interval>& wanted) {
  IntervalDelta result;
  std::set_difference(found.begin(), found.end(), wanted.begin(), wanted.end(),
                      std::back_inserter(result.remove));
  std::set_difference(wanted.begin(), wanted.end(), found.begin(), found.end(),
                      std::back_inserter(result.add));
  return result;
}

DeltaPieces::DeltaPieces(IntervalDelta whole, std::size_t piece) : whole_(std::move(whole)), piece_(piece) {}

DeltaPieces::Piece DeltaPieces::next() {
  const std::size_t first_removed = removed_;
  const std::size_t first_added = added_;
  std::array<std::uint8_t, 16> reach{}; // highest address touched by this piece
  while (!done()) {
    const bool remove_next = added_ == whole_.add.size() || (removed_ < whole_.remove.size() &&
                                                             whole_.remove[removed_] <= whole_.add[added_]);
    const Interval& next = remove_next ? whole_.remove[removed_] : whole_.add[added_];
    const std::size_t taken = removed_ - first_removed + (added_ - first_added);
    if (taken >= piece_ && next.first > reach) {
      break;
    }
    reach = std::max(reach, next.last);
    ++(remove_next ? removed_ : added_);
  }
  return {std::span(whole_.remove).subspan(first_removed, removed_ - first_removed),
          std::span(whole_.add).subspan(first_added, added_ - first_added)};
}

} // namespace healthgate::nft
