#include "core/override.hpp"

#include <gtest/gtest.h>

namespace healthgate::core {
namespace {

using namespace std::chrono_literals;

const WallTime start{24h * 365 * 50};

OverrideOrder order(OverrideKind kind, std::optional<WallTime> until = std::nullopt) {
  return {kind, start, until, "alice (uid 1000)", "maintenance"};
}

std::optional<OverrideKind> in_force(const Override& override_) {
  const auto order = override_.effective();
  return order ? std::optional(order->kind) : std::nullopt;
}

TEST(Override, IsAutomaticAtFirst) {
  Override override_;
  EXPECT_EQ(in_force(override_), std::nullopt);
  EXPECT_FALSE(override_.end());
}

TEST(Override, KeepsWhoSaidItWhenAndWhy) {
  Override override_;
  ASSERT_TRUE(override_.order(order(OverrideKind::force_open, start + 30min)));
  const auto effective = override_.effective();
  EXPECT_EQ(effective->since, start);
  EXPECT_EQ(effective->until, start + 30min);
  EXPECT_EQ(effective->who, "alice (uid 1000)");
  EXPECT_EQ(effective->reason, "maintenance");
  EXPECT_EQ(override_.remembered()->who, effective->who);
}

TEST(Override, ADrainWinsOverAForcedOpen) {
  Override override_;
  ASSERT_TRUE(override_.order(order(OverrideKind::force_open)));
  ASSERT_TRUE(override_.order(order(OverrideKind::drain)));
  EXPECT_FALSE(override_.order(order(OverrideKind::force_open)));
  EXPECT_EQ(in_force(override_), OverrideKind::drain);
}

TEST(Override, EndingADrainBringsBackNothingOlder) {
  Override override_;
  (void)override_.order(order(OverrideKind::force_open));
  (void)override_.order(order(OverrideKind::drain));
  EXPECT_TRUE(override_.end());
  EXPECT_EQ(in_force(override_), std::nullopt);
}

TEST(Override, ANewDrainReplacesTheOldOne) {
  Override override_;
  (void)override_.order(order(OverrideKind::drain));
  ASSERT_TRUE(override_.order(order(OverrideKind::drain, start + 1h)));
  EXPECT_EQ(override_.next_deadline(), start + 1h);
}

TEST(Override, EndsAtItsTime) {
  Override override_;
  (void)override_.order(order(OverrideKind::drain, start + 30min));
  EXPECT_EQ(override_.next_deadline(), start + 30min);
  EXPECT_FALSE(override_.on_time(start + 30min - 1ns));
  EXPECT_EQ(in_force(override_), OverrideKind::drain);
  EXPECT_TRUE(override_.on_time(start + 30min));
  EXPECT_EQ(in_force(override_), std::nullopt);
  EXPECT_FALSE(override_.on_time(start + 31min)) << "it ends once";
}

TEST(Override, WithoutATimeLastsUntilItIsEnded) {
  Override override_;
  (void)override_.order(order(OverrideKind::drain));
  EXPECT_EQ(override_.next_deadline(), std::nullopt);
  EXPECT_FALSE(override_.on_time(start + 24h * 365));
}

TEST(Override, ADrainFileWinsOverEverythingAndEndsByItselfAlone) {
  Override override_;
  (void)override_.order(order(OverrideKind::force_open));
  override_.set_drain_file(start + 1min);
  ASSERT_EQ(in_force(override_), OverrideKind::drain);
  EXPECT_EQ(override_.effective()->who, "drain-file");
  EXPECT_EQ(override_.effective()->since, start + 1min);
  EXPECT_TRUE(override_.end());
  EXPECT_EQ(in_force(override_), OverrideKind::drain) << "`auto` does not remove a file";
  override_.set_drain_file(std::nullopt);
  EXPECT_EQ(in_force(override_), std::nullopt);
}

TEST(Override, ADrainFileIsNotRemembered) {
  Override override_;
  override_.set_drain_file(start);
  EXPECT_EQ(override_.remembered(), std::nullopt) << "it is looked at again after a restart";
}

TEST(Override, AForcedOpenThatWasHiddenByADrainFileIsInForceAgain) {
  Override override_;
  override_.set_drain_file(start);
  EXPECT_TRUE(override_.order(order(OverrideKind::force_open)));
  EXPECT_EQ(in_force(override_), OverrideKind::drain);
  override_.set_drain_file(std::nullopt);
  EXPECT_EQ(in_force(override_), OverrideKind::force_open);
}

TEST(Override, HasTheNamesOfTheCommands) {
  EXPECT_STREQ(to_string(OverrideKind::drain), "drain");
  EXPECT_STREQ(to_string(OverrideKind::force_open), "force-open");
}

} // namespace
} // namespace healthgate::core
