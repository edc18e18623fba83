#include "nft/intervals.hpp"

#include "nft/dump.hpp"

#include <gtest/gtest.h>

namespace healthgate::nft {
namespace {

Interval interval(std::uint8_t first, std::uint8_t last) {
  Interval made;
  made.first[0] = first;
  made.last[0] = last;
  return made;
}

Bytes key(std::uint8_t first) {
  return Bytes{static_cast<char>(first), 0, 0, 0};
}

TEST(Delta, NamesWhatGoesAndWhatComes) {
  const IntervalDelta found = delta({interval(1, 1), interval(3, 5)}, {interval(1, 1), interval(3, 4)});
  EXPECT_EQ(found.remove, std::vector{interval(3, 5)});
  EXPECT_EQ(found.add, std::vector{interval(3, 4)});
}

TEST(DeltaPieces, HandsOutEverythingOnceInPieces) {
  IntervalDelta whole;
  for (std::uint8_t i = 0; i < 100; ++i) {
    whole.add.push_back(interval(static_cast<std::uint8_t>(2 * i), static_cast<std::uint8_t>(2 * i)));
  }
  DeltaPieces pieces(whole, 30);
  std::vector<std::size_t> sizes;
  std::size_t total = 0;
  while (!pieces.done()) {
    sizes.push_back(pieces.next().add.size());
    total += sizes.back();
  }
  EXPECT_EQ(total, 100u);
  EXPECT_EQ(sizes, (std::vector<std::size_t>{30, 30, 30, 10}));
}

TEST(DeltaPieces, KeepsWhatOverlapsInOnePiece) {
  // 0-99 is taken out and replaced by its parts: no address may be missing between two pieces.
  IntervalDelta whole{{interval(0, 99)}, {}};
  for (std::uint8_t i = 0; i < 100; i += 10) {
    whole.add.push_back(interval(i, static_cast<std::uint8_t>(i + 8)));
  }
  whole.add.push_back(interval(120, 120));
  DeltaPieces pieces(whole, 2);
  const DeltaPieces::Piece first = pieces.next();
  EXPECT_EQ(first.remove.size(), 1u);
  EXPECT_EQ(first.add.size(), 10u);
  EXPECT_EQ(pieces.next().add.size(), 1u);
  EXPECT_TRUE(pieces.done());
}

TEST(IntervalCollector, PairsEndsThatCameInAnyOrder) {
  IntervalCollector collector(4);
  collector.add(key(20), true);
  collector.add(key(20), false);
  collector.add(key(10), false);
  collector.add(key(0), true); // nft's "nothing before the first"
  collector.add(key(30), true);
  bool malformed = true;
  const std::vector<Interval> intervals = collector.take(malformed);
  EXPECT_FALSE(malformed);
  ASSERT_EQ(intervals.size(), 2u);
  EXPECT_EQ(intervals[0].first, interval(10, 0).first);
  EXPECT_EQ(intervals[0].last, (Interval{{}, {19, 255, 255, 255}}).last);
  EXPECT_EQ(intervals[1].last, (Interval{{}, {29, 255, 255, 255}}).last);
}

TEST(IntervalCollector, AnIntervalWithoutEndReachesToTheLastAddress) {
  IntervalCollector collector(4);
  collector.add(key(10), false);
  bool malformed = true;
  EXPECT_EQ(collector.take(malformed)[0].last, (Interval{{}, {255, 255, 255, 255}}).last);
  EXPECT_FALSE(malformed);
}

TEST(IntervalCollector, SaysWhenEndsDoNotPairUp) {
  for (const bool end : {true, false}) {
    IntervalCollector collector(4);
    collector.add(key(10), end);
    collector.add(key(20), end);
    bool malformed = false;
    collector.take(malformed);
    EXPECT_TRUE(malformed) << "two of the same kind in a row, end " << end;
  }
  IntervalCollector collector(4);
  collector.add({}, false); // a catch-all element has no key
  bool malformed = false;
  collector.take(malformed);
  EXPECT_TRUE(malformed);
}

} // namespace
} // namespace healthgate::nft
