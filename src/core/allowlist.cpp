#include "core/allowlist.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace healthgate::core {
namespace {

using Problem = base::Failure<std::string>;

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Clears the bits behind `prefix`, or sets them.
Address with_host_bits(Address address, int prefix, bool set) {
  for (int bit = prefix; bit < address.bits(); ++bit) {
    const auto mask = static_cast<std::uint8_t>(0x80U >> (bit % 8));
    auto& byte = address.bytes[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<std::uint8_t>(set ? byte | mask : byte & ~mask);
  }
  return address;
}

bool is_mapped(const Address& address) {
  return address.family == Family::ipv6 &&
         std::equal(mapped_prefix.begin(), mapped_prefix.end(), address.bytes.begin());
}

Address unmapped(const Address& address) {
  Address v4;
  std::copy_n(address.bytes.begin() + 12, 4, v4.bytes.begin());
  return v4;
}

bool bit_of(const Address& address, int bit) {
  return (address.bytes[static_cast<std::size_t>(bit / 8)] & (0x80U >> (bit % 8))) != 0;
}

// Two blocks of one size that differ in their last network bit alone.
bool siblings(const Cidr& low, const Cidr& high) {
  return low.prefix == high.prefix && low.prefix > 0 && !bit_of(low.address, low.prefix - 1) &&
         with_host_bits(high.address, high.prefix - 1, false) == low.address;
}

// `cidrs` sorted by address, larger blocks first: so a block that contains others stands before them.
std::vector<Cidr> merged(std::vector<Cidr> cidrs) {
  std::sort(cidrs.begin(), cidrs.end());
  std::vector<Cidr> out;
  for (const auto& cidr : cidrs) {
    if (!out.empty() && out.back().contains(cidr.address)) {
      continue;
    }
    out.push_back(cidr);
    while (out.size() >= 2 && siblings(out[out.size() - 2], out.back())) {
      out.pop_back();
      --out.back().prefix;
    }
  }
  out.shrink_to_fit();
  return out;
}

} // namespace

base::Result<Address, std::string> Address::parse(std::string_view text) {
  const std::string copy(text.substr(0, text.find('\0'))); // inet_pton would stop there and accept the rest
  Address address;
  if (copy.size() != text.size()) {
    return Problem{"it contains a zero byte"};
  }
  if (inet_pton(AF_INET, copy.c_str(), address.bytes.data()) == 1) {
    return address;
  }
  address.family = Family::ipv6;
  if (inet_pton(AF_INET6, copy.c_str(), address.bytes.data()) == 1) {
    return address;
  }
  return Problem{"it is neither an IPv4 nor an IPv6 address"};
}

std::string Address::to_string() const {
  char text[INET6_ADDRSTRLEN];
  return inet_ntop(family == Family::ipv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
}

base::Result<Cidr, std::string> Cidr::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) {
    return Problem{address.error()};
  }
  Cidr cidr{address.value(), static_cast<std::uint8_t>(address.value().bits())};
  if (slash != std::string_view::npos) {
    const auto digits = text.substr(slash + 1);
    unsigned length = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() ||
        length > static_cast<unsigned>(cidr.address.bits())) {
      return Problem{"the prefix length must be 0 to " + std::to_string(cidr.address.bits())};
    }
    cidr.prefix = static_cast<std::uint8_t>(length);
  }
  if (is_mapped(cidr.address) && cidr.prefix >= 96) {
    const Cidr v4{unmapped(cidr.address), static_cast<std::uint8_t>(cidr.prefix - 96)};
    return Problem{"it is an IPv4 address in IPv6 form; write " + v4.to_string()};
  }
  const auto network = with_host_bits(cidr.address, cidr.prefix, false);
  if (network != cidr.address) {
    const Cidr meant{network, cidr.prefix};
    return Problem{std::string(text) + " has host bits set; write " + meant.to_string() + ", or " +
                   cidr.address.to_string() + " for the one address"};
  }
  return cidr;
}

std::string Cidr::to_string() const {
  const auto text = address.to_string();
  return prefix == address.bits() ? text : text + "/" + std::to_string(prefix);
}

Address Cidr::last() const {
  return with_host_bits(address, prefix, true);
}

bool Cidr::contains(const Address& other) const {
  return other.family == address.family && with_host_bits(other, prefix, false) == address;
}

Allowlist::Allowlist(std::vector<Cidr> cidrs) {
  const auto v6_begin = std::stable_partition(
      cidrs.begin(), cidrs.end(), [](const Cidr& cidr) { return cidr.address.family == Family::ipv4; });
  v6_ = merged({v6_begin, cidrs.end()});
  cidrs.erase(v6_begin, cidrs.end());
  v4_ = merged(std::move(cidrs));
}

bool Allowlist::contains(const Address& address) const {
  const auto& list = address.family == Family::ipv4 ? v4_ : v6_;
  const auto behind = std::upper_bound(list.begin(), list.end(), address,
                                       [](const Address& a, const Cidr& cidr) { return a < cidr.address; });
  return behind != list.begin() && std::prev(behind)->contains(address);
}

} // namespace healthgate::core
