#include "observe/http_connections.hpp"

#include <gtest/gtest.h>

namespace healthgate::observe {
namespace {

TEST(HttpConnections, WithinTheBoundsNobodyGoes) {
  HttpConnections connections({4, 2});
  EXPECT_EQ(connections.add(10, "a"), std::nullopt);
  EXPECT_EQ(connections.add(11, "a"), std::nullopt);
  EXPECT_EQ(connections.add(12, "b"), std::nullopt);
  EXPECT_EQ(connections.add(13, "c"), std::nullopt);
  EXPECT_EQ(connections.size(), 4U);
}

TEST(HttpConnections, AnAddressBeyondItsShareLosesItsOwnOldest) {
  HttpConnections connections({4, 2});
  (void)connections.add(10, "a");
  (void)connections.add(11, "b");
  (void)connections.add(12, "b");
  EXPECT_EQ(connections.add(13, "b"), 11);
  EXPECT_EQ(connections.add(14, "b"), 12);
  EXPECT_EQ(connections.size(), 3U);
}

TEST(HttpConnections, WhenAllPlacesAreTakenTheOldestGoes) {
  HttpConnections connections({2, 2});
  (void)connections.add(10, "a");
  (void)connections.add(11, "b");
  EXPECT_EQ(connections.add(12, "c"), 10);
  EXPECT_EQ(connections.size(), 2U);
}

TEST(HttpConnections, WhoAsksIsYoungAgain) {
  HttpConnections connections({2, 2});
  (void)connections.add(10, "a");
  (void)connections.add(11, "b");
  connections.asked(10);
  EXPECT_EQ(connections.add(12, "c"), 11);
}

TEST(HttpConnections, WhoHasGoneLeavesAPlace) {
  HttpConnections connections({2, 2});
  (void)connections.add(10, "a");
  (void)connections.add(11, "a");
  connections.remove(10);
  EXPECT_EQ(connections.add(12, "a"), std::nullopt);
  connections.remove(99); // closed for somebody else before the library noticed
  EXPECT_EQ(connections.evict(), 11);
  EXPECT_EQ(connections.evict(), 12);
  EXPECT_EQ(connections.evict(), std::nullopt);
}

} // namespace
} // namespace healthgate::observe
