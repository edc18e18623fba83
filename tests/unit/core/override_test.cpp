#include "core/override.hpp"

#include <gtest/gtest.h>

namespace healthgate::core {
namespace {

using namespace std::chrono_literals;

const WallTime start{24h * 365 * 50};

OverrideOrder order(OverrideKind kind, std::optional<WallTime> until = std::nullopt) {
  return {kind, start, until, "alice (uid 1000)", "maintenance"};
}

std::optional<OverrideKind> in_force(const Override& orders) {
  const auto order = orders.effective();
  return order ? std::optional(order->kind) : std::nullopt;
}

TEST(Override, IsAutomaticAtFirst) {
  Override orders;
  EXPECT_EQ(in_force(orders), std::nullopt);
  EXPECT_FALSE(orders.end());
}

TEST(Override, KeepsWhoSaidItWhenAndWhy) {
  Override orders;
  ASSERT_TRUE(orders.order(order(OverrideKind::force_open, start + 30min)));
  const auto effective = orders.effective();
  EXPECT_EQ(effective->since, start);
  EXPECT_EQ(effective->until, start + 30min);
  EXPECT_EQ(effective->who, "alice (uid 1000)");
  EXPECT_EQ(effective->reason, "maintenance");
  EXPECT_EQ(orders.remembered()->who, effective->who);
}

TEST(Override, ADrainWinsOverAForcedOpen) {
  Override orders;
  ASSERT_TRUE(orders.order(order(OverrideKind::force_open)));
  ASSERT_TRUE(orders.order(order(OverrideKind::drain)));
  EXPECT_FALSE(orders.order(order(OverrideKind::force_open)));
  EXPECT_EQ(in_force(orders), OverrideKind::drain);
}

TEST(Override, EndingADrainBringsBackNothingOlder) {
  Override orders;
  (void)orders.order(order(OverrideKind::force_open));
  (void)orders.order(order(OverrideKind::drain));
  EXPECT_TRUE(orders.end());
  EXPECT_EQ(in_force(orders), std::nullopt);
}

TEST(Override, ANewDrainReplacesTheOldOne) {
  Override orders;
  (void)orders.order(order(OverrideKind::drain));
  ASSERT_TRUE(orders.order(order(OverrideKind::drain, start + 1h)));
  EXPECT_EQ(orders.next_deadline(), start + 1h);
}

TEST(Override, EndsAtItsTime) {
  Override orders;
  (void)orders.order(order(OverrideKind::drain, start + 30min));
  EXPECT_EQ(orders.next_deadline(), start + 30min);
  EXPECT_FALSE(orders.on_time(start + 30min - 1ns));
  EXPECT_EQ(in_force(orders), OverrideKind::drain);
  EXPECT_TRUE(orders.on_time(start + 30min));
  EXPECT_EQ(in_force(orders), std::nullopt);
  EXPECT_FALSE(orders.on_time(start + 31min)) << "it ends once";
}

TEST(Override, WithoutATimeLastsUntilItIsEnded) {
  Override orders;
  (void)orders.order(order(OverrideKind::drain));
  EXPECT_EQ(orders.next_deadline(), std::nullopt);
  EXPECT_FALSE(orders.on_time(start + 24h * 365));
}

TEST(Override, ADrainFileWinsOverEverythingAndEndsByItselfAlone) {
  Override orders;
  (void)orders.order(order(OverrideKind::force_open));
  orders.set_drain_file(start + 1min);
  ASSERT_EQ(in_force(orders), OverrideKind::drain);
  EXPECT_EQ(orders.effective()->who, "drain-file");
  EXPECT_EQ(orders.effective()->since, start + 1min);
  EXPECT_TRUE(orders.end());
  EXPECT_EQ(in_force(orders), OverrideKind::drain) << "`auto` does not remove a file";
  orders.set_drain_file(std::nullopt);
  EXPECT_EQ(in_force(orders), std::nullopt);
}

TEST(Override, ADrainFileIsNotRemembered) {
  Override orders;
  orders.set_drain_file(start);
  EXPECT_EQ(orders.remembered(), std::nullopt) << "it is looked at again after a restart";
}

TEST(Override, AForcedOpenThatWasHiddenByADrainFileIsInForceAgain) {
  Override orders;
  orders.set_drain_file(start);
  EXPECT_TRUE(orders.order(order(OverrideKind::force_open)));
  EXPECT_EQ(in_force(orders), OverrideKind::drain);
  orders.set_drain_file(std::nullopt);
  EXPECT_EQ(in_force(orders), OverrideKind::force_open);
}

TEST(Override, HasTheNamesOfTheCommands) {
  EXPECT_STREQ(to_string(OverrideKind::drain), "drain");
  EXPECT_STREQ(to_string(OverrideKind::force_open), "force-open");
}

TEST(OverrideOrder, IsAnotherWhenAnyPartOfItIs) {
  const OverrideOrder one{OverrideKind::drain, {}, std::nullopt, "alice", "disk"};
  OverrideOrder other = one;
  EXPECT_EQ(one, other);
  other.reason = "memory";
  EXPECT_NE(one, other);
  other = one;
  other.until = WallTime(std::chrono::hours(1));
  EXPECT_NE(one, other);
}

} // namespace
} // namespace healthgate::core
