// CIDR algebra for the allowlists: parse, refuse host bits, merge, look up. IPv4 and IPv6 kept apart, as in
// the kernel.
#pragma once

#include "base/result.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::core {

enum class Family { ipv4, ipv6 };

struct Address {
  Family family = Family::ipv4;
  std::array<std::uint8_t, 16> bytes{}; // network order; an IPv4 address uses the first four

  friend auto operator<=>(const Address&, const Address&) = default;
  // Numeric form only, no names; a failure says what is wrong in one sentence.
  static base::Result<Address, std::string> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] int bits() const { return family == Family::ipv4 ? 32 : 128; }
};

struct Cidr {
  Address address; // host bits are zero
  std::uint8_t prefix = 0;

  friend auto operator<=>(const Cidr&, const Cidr&) = default;
  // "192.168.99.10", "10.128.0.0/14", "2001:db8:10::/64". Host bits set are refused with the CIDR that was
  // probably meant: "10.1.2.3/8 has host bits set; write 10.0.0.0/8, or 10.1.2.3 for the one address".
  // An IPv4-mapped IPv6 address is refused with its IPv4 form.
  static base::Result<Cidr, std::string> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const; // without the prefix for a single address, as nft prints it
  [[nodiscard]] Address last() const;          // highest address in the block
  [[nodiscard]] bool contains(const Address& address_) const;
};

// A set of addresses as the fewest CIDRs: sorted, disjoint, contained and sibling blocks merged.
class Allowlist {
public:
  Allowlist() = default;
  explicit Allowlist(std::vector<Cidr> cidrs); // any order, overlaps allowed; O(n log n)

  [[nodiscard]] const std::vector<Cidr>& v4() const { return v4_; }
  [[nodiscard]] const std::vector<Cidr>& v6() const { return v6_; }
  [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }
  [[nodiscard]] std::size_t size() const { return v4_.size() + v6_.size(); }
  [[nodiscard]] bool contains(const Address& address) const; // O(log n)
  friend bool operator==(const Allowlist&, const Allowlist&) = default;

private:
  std::vector<Cidr> v4_;
  std::vector<Cidr> v6_;
};

} // namespace healthgate::core
