// Routes back, the trial of the kernel, and whom to judge in a block of addresses.
#include "nft/route.hpp"
#include "nft/trial.hpp"
#include "nft/turning_points.hpp"
#include "unit/nft/kernel_fixture.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace healthgate::nft {
namespace {

using testing::KernelTest;

core::Address address(const std::string& text) {
  return core::Address::parse(text).value();
}

class RouteBack : public KernelTest {
protected:
  void SetUp() override {
    KernelTest::SetUp();
    if (!IsSkipped()) {
      testing::run("ip link add eth0 type veth peer name eth1; ip link set eth0 up; ip link set eth1 up;"
                   "ip address add 10.0.0.1/24 dev eth0; ip address add fd77::1/64 dev eth0 nodad");
    }
  }
};

TEST_F(RouteBack, NamesTheInterfaceAndTheAddressOfThisHost) {
  RouteReader reader;
  const Route v4 = reader.to(address("10.0.0.9"));
  EXPECT_EQ(v4.error, 0);
  EXPECT_EQ(v4.link.name, "eth0");
  EXPECT_EQ(v4.link.type, 1);
  ASSERT_TRUE(v4.local);
  EXPECT_EQ(v4.local->to_string(), "10.0.0.1");
  const Route v6 = reader.to(address("fd77::9"));
  EXPECT_EQ(v6.link.name, "eth0");
  ASSERT_TRUE(v6.local);
  EXPECT_EQ(v6.local->to_string(), "fd77::1");
  EXPECT_EQ(reader.to(address("127.0.0.1")).link.name, "lo");
}

TEST_F(RouteBack, IsMissingWhereNoneLeads) {
  RouteReader reader;
  EXPECT_EQ(reader.to(address("192.0.2.1")).error, ENETUNREACH);
  EXPECT_EQ(reader.to(address("2001:db8::1")).error, ENETUNREACH);
  testing::run("ip route add unreachable 198.51.100.0/24");
  EXPECT_EQ(reader.to(address("198.51.100.1")).error, EHOSTUNREACH);
}

class KernelTrial : public KernelTest {};

TEST_F(KernelTrial, LeavesTheHostsRulesAlone) {
  testing::load("table inet other { }");
  const std::string before = testing::run("nft list ruleset");
  for (const bool relay : {false, true}) {
    const Trial trial = try_kernel(relay);
    EXPECT_TRUE(trial.ran) << trial.obstacle;
    EXPECT_EQ(trial.obstacle, "");
  }
  EXPECT_EQ(testing::run("nft list ruleset"), before);
}

std::string chosen(const std::string& block, const std::vector<std::string>& points, std::size_t most = 4) {
  std::vector<core::Address> parsed;
  for (const auto& point : points) {
    parsed.push_back(address(point));
  }
  std::string text;
  for (const auto& one : representatives(core::Cidr::parse(block).value(), parsed, most)) {
    text += (text.empty() ? "" : " ") + one.to_string();
  }
  return text;
}

TEST(Representatives, AreTheEndsAndWhatRulesTellApart) {
  EXPECT_EQ(chosen("10.0.0.9", {"10.0.0.9"}), "10.0.0.9");
  EXPECT_EQ(chosen("10.0.0.8/31", {}), "10.0.0.8 10.0.0.9");
  EXPECT_EQ(chosen("10.0.0.0/24", {}), "10.0.0.1 10.0.0.254");
  EXPECT_EQ(chosen("10.0.0.0/24", {"10.0.0.1", "10.0.0.7", "10.0.1.1"}), "10.0.0.1 10.0.0.7 10.0.0.254");
  EXPECT_EQ(chosen("10.0.0.0/8", {"10.0.0.7", "10.0.0.8", "10.0.0.9"}, 2),
            "10.0.0.1 10.0.0.7 10.0.0.8 10.255.255.254");
  EXPECT_EQ(chosen("fd77::/64", {"10.0.0.7", "fd77::7"}), "fd77::1 fd77::7 fd77::ffff:ffff:ffff:fffe");
}

class TurningPoints : public KernelTest {};

TEST_F(TurningPoints, StandInComparisonsRangesAndSets) {
  testing::load("table inet t {\n set s { type ipv4_addr; flags interval; elements = { 10.3.0.0/16 }\n }\n"
                "chain c { ip saddr 10.1.0.1 drop; ip saddr 10.2.0.0/16 drop; ip saddr != 10.4.0.1-10.4.0.9 "
                "drop\n}\n}");
  NetlinkSocket socket("test");
  const auto points = turning_points(read_host_rules(socket).value());
  for (const char* expected : {"10.1.0.1", "10.2.0.0", "10.3.0.0", "10.4.0.0", "10.4.0.1", "10.4.0.9"}) {
    EXPECT_EQ(std::count(points.begin(), points.end(), address(expected)), 1) << expected;
  }
}

} // namespace
} // namespace healthgate::nft
