#include "core/allowlist.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace healthgate::core {
namespace {

Address address(std::string_view text) {
  const auto parsed = Address::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value();
}

Cidr cidr(std::string_view text) {
  const auto parsed = Cidr::parse(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value();
}

std::string refusal(std::string_view text) {
  const auto parsed = Cidr::parse(text);
  return parsed ? "accepted" : parsed.error();
}

Allowlist allowlist(const std::vector<std::string>& texts) {
  std::vector<Cidr> cidrs;
  for (const auto& text : texts) {
    cidrs.push_back(cidr(text));
  }
  return Allowlist(std::move(cidrs));
}

std::vector<std::string> texts(const Allowlist& allow) {
  std::vector<std::string> out;
  for (const auto* list : {&allow.v4(), &allow.v6()}) {
    for (const auto& entry : *list) {
      out.push_back(entry.to_string());
    }
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(Cidr, PrintsWhatItParsed) {
  for (const auto* text : {"192.168.99.10", "10.128.0.0/14", "0.0.0.0/0", "2001:db8:10::/64", "::1", "::/0",
                           "255.255.255.255", "fe80::/10"}) {
    EXPECT_EQ(cidr(text).to_string(), text);
  }
}

TEST(Cidr, PrintsASingleAddressWithoutItsPrefix) {
  EXPECT_EQ(cidr("10.0.0.1/32").to_string(), "10.0.0.1");
  EXPECT_EQ(cidr("::1/128").to_string(), "::1");
}

TEST(Cidr, RefusesHostBitsWithWhatWasProbablyMeant) {
  EXPECT_EQ(refusal("10.1.2.3/8"),
            "10.1.2.3/8 has host bits set; write 10.0.0.0/8, or 10.1.2.3 for the one address");
  EXPECT_EQ(refusal("10.0.0.1/31"),
            "10.0.0.1/31 has host bits set; write 10.0.0.0/31, or 10.0.0.1 for the one address");
  EXPECT_EQ(refusal("2001:db8::1/64"),
            "2001:db8::1/64 has host bits set; write 2001:db8::/64, or 2001:db8::1 for the one address");
  EXPECT_EQ(refusal("1.2.3.4/0"),
            "1.2.3.4/0 has host bits set; write 0.0.0.0/0, or 1.2.3.4 for the one address");
}

TEST(Cidr, RefusesAnIpv4AddressInIpv6Form) {
  EXPECT_EQ(refusal("::ffff:10.0.0.1"), "it is an IPv4 address in IPv6 form; write 10.0.0.1");
  EXPECT_EQ(refusal("::ffff:10.0.0.0/104"), "it is an IPv4 address in IPv6 form; write 10.0.0.0/8");
  EXPECT_EQ(refusal("::/0"), "accepted") << "holds them all, and every other";
}

TEST(Cidr, RefusesWhatIsNoAddress) {
  for (const auto* text : {"", "/8", "localhost", "10.0.0", "10.0.0.256", "010.0.0.1", " 10.0.0.1",
                           "10.0.0.1 ", "::g", "fe80::1%eth0", "10.0.0.1-10.0.0.9"}) {
    EXPECT_EQ(refusal(text), "it is neither an IPv4 nor an IPv6 address") << text;
  }
  EXPECT_EQ(refusal(std::string_view("10.0.0.1\0x", 10)), "it contains a zero byte");
}

TEST(Cidr, RefusesWhatIsNoPrefixLength) {
  for (const auto* text : {"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8x",
                           "10.0.0.0/ 8", "10.0.0.0/255.0.0.0", "10.0.0.0/8/8", "10.0.0.0/99999999999"}) {
    EXPECT_EQ(refusal(text), "the prefix length must be 0 to 32") << text;
  }
  EXPECT_EQ(refusal("::/129"), "the prefix length must be 0 to 128");
}

TEST(Cidr, ContainsItsFirstAndItsLastAddressAndNoOther) {
  const auto block = cidr("10.0.0.16/28");
  EXPECT_EQ(block.last(), address("10.0.0.31"));
  EXPECT_FALSE(block.contains(address("10.0.0.15")));
  EXPECT_TRUE(block.contains(address("10.0.0.16")));
  EXPECT_TRUE(block.contains(address("10.0.0.31")));
  EXPECT_FALSE(block.contains(address("10.0.0.32")));
  EXPECT_EQ(cidr("2001:db8::/33").last(), address("2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"));
}

TEST(Cidr, KeepsTheFamiliesApart) {
  EXPECT_FALSE(cidr("::/0").contains(address("0.0.0.0")));
  EXPECT_FALSE(cidr("0.0.0.0/0").contains(address("::")));
}

TEST(Allowlist, LetsInNobodyWhenEmpty) {
  EXPECT_TRUE(Allowlist().empty());
  EXPECT_FALSE(Allowlist().contains(address("127.0.0.1")));
}

TEST(Allowlist, SortsAndDropsWhatIsContained) {
  EXPECT_EQ(texts(allowlist({"10.0.0.5", "10.0.0.0/8", "9.9.9.9", "10.0.0.0/8", "10.255.255.255"})),
            (Texts{"9.9.9.9", "10.0.0.0/8"}));
}

TEST(Allowlist, MergesSiblingsUpwards) {
  EXPECT_EQ(texts(allowlist({"10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"})), Texts{"10.0.0.0/30"});
  EXPECT_EQ(texts(allowlist({"0.0.0.0/1", "128.0.0.0/1"})), Texts{"0.0.0.0/0"});
  EXPECT_EQ(texts(allowlist({"2001:db8::/65", "2001:db8:0:0:8000::/65"})), Texts{"2001:db8::/64"});
}

TEST(Allowlist, MergesNoNeighboursThatAreNotSiblings) {
  EXPECT_EQ(texts(allowlist({"10.0.0.1", "10.0.0.2"})), (Texts{"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(texts(allowlist({"10.0.0.0/25", "10.0.0.128/26"})), (Texts{"10.0.0.0/25", "10.0.0.128/26"}));
}

TEST(Allowlist, KeepsTheFamiliesApart) {
  const auto allow = allowlist({"::/0", "10.0.0.1"});
  EXPECT_EQ(allow.v4().size(), 1U);
  EXPECT_EQ(allow.v6().size(), 1U);
  EXPECT_EQ(allow.size(), 2U);
  EXPECT_FALSE(allow.contains(address("10.0.0.2")));
  EXPECT_TRUE(allow.contains(address("2001:db8::1")));
}

TEST(Allowlist, IsEqualHoweverItWasWritten) {
  EXPECT_EQ(allowlist({"10.0.0.0/25", "10.0.0.128/25"}), allowlist({"10.0.0.0/24"}));
}

// Against the definition: contained in any of the blocks; and the result is as short as it can be.
TEST(Allowlist, MeansWhatItsBlocksMean) {
  std::mt19937 random(3);
  for (int round = 0; round < 300; ++round) {
    std::vector<Cidr> cidrs;
    for (unsigned i = 0; i < random() % 30; ++i) {
      const auto prefix = static_cast<std::uint8_t>(24 + random() % 9);
      Cidr block{address("10.0.0.0"), prefix};
      block.address.bytes[3] = static_cast<std::uint8_t>(random() % 256 & ~0U << (32 - prefix));
      cidrs.push_back(block);
    }
    const Allowlist allow(cidrs);
    auto probe = address("10.0.0.0");
    int members = 0;
    for (int host = 0; host < 256; ++host) {
      probe.bytes[3] = static_cast<std::uint8_t>(host);
      const bool expected =
          std::any_of(cidrs.begin(), cidrs.end(), [&](const Cidr& block) { return block.contains(probe); });
      ASSERT_EQ(allow.contains(probe), expected);
      members += expected ? 1 : 0;
    }
    int covered = 0;
    for (std::size_t i = 0; i < allow.v4().size(); ++i) {
      const auto& block = allow.v4()[i];
      covered += 1 << (32 - block.prefix);
      if (i > 0) {
        const auto& before = allow.v4()[i - 1];
        ASSERT_LT(before.last(), block.address) << "sorted and disjoint";
        Cidr parent{before.address, static_cast<std::uint8_t>(before.prefix - 1)};
        ASSERT_FALSE(before.prefix == block.prefix && parent.contains(block.address) &&
                     Cidr::parse(parent.to_string()))
            << "siblings left apart";
      }
    }
    ASSERT_EQ(covered, members);
  }
}

} // namespace
} // namespace healthgate::core
