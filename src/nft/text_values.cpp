#include "nft/text_values.hpp"

#include "core/allowlist.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/text.hpp"

#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace healthgate::nft {
namespace {

// Without leading zeros, as nft prints numbers of any length.
std::string hexadecimal(const Bytes& value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : value) {
    const auto octet = static_cast<unsigned char>(c);
    text.push_back(digits[octet >> 4]);
    text.push_back(digits[octet & 0xf]);
  }
  const std::size_t first = text.find_first_not_of('0');
  return "0x" + (first == text.npos ? "0" : text.substr(first));
}

std::string host_integer(const Bytes& value) {
  Bytes reversed = value;
  if constexpr (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__) {
    std::reverse(reversed.begin(), reversed.end());
  }
  std::string digits = hexadecimal(reversed).substr(2);
  digits.insert(0, digits.size() < 2 * value.size() ? 2 * value.size() - digits.size() : 0,
                '0'); // marks are padded
  return "0x" + digits;
}

std::string protocol(std::uint8_t number) {
  switch (number) {
  case IPPROTO_TCP:
    return "tcp";
  case IPPROTO_UDP:
    return "udp";
  case IPPROTO_ICMP:
    return "icmp";
  case IPPROTO_ICMPV6:
    return "ipv6-icmp";
  default:
    return std::to_string(number);
  }
}

std::string family(std::uint8_t number) {
  return number == NFPROTO_IPV4 ? "ipv4" : number == NFPROTO_IPV6 ? "ipv6" : std::to_string(number);
}

std::string address(const Bytes& value) {
  core::Address parsed;
  parsed.family = value.size() == 4 ? core::Family::ipv4 : core::Family::ipv6;
  std::memcpy(parsed.bytes.data(), value.data(), value.size());
  return parsed.to_string();
}

std::string tcp_flags(std::uint8_t bits) {
  constexpr std::string_view names[] = {"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"};
  std::string text;
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if ((bits >> i & 1) != 0) {
      text += (text.empty() ? "" : ",") + std::string(names[i]);
    }
  }
  return text.empty() ? "0x0" : text;
}

std::optional<std::uint32_t> host_u32(const Bytes& value) {
  std::uint32_t bits = 0;
  if (value.size() != sizeof bits) {
    return {};
  }
  std::memcpy(&bits, value.data(), sizeof bits);
  return bits;
}

// Of enum ip_conntrack_status, what rules of ours test.
std::string connection_nat(std::uint32_t bits) {
  return bits == 0x10 ? "snat" : bits == 0x20 ? "dnat" : std::to_string(bits);
}

std::string address_type(std::uint32_t type) {
  return type == RTN_LOCAL ? "local" : std::to_string(type);
}

// Bits in the host's order (enum nf_conntrack_states of nft).
std::string connection_state(std::uint32_t bits) {
  constexpr std::string_view names[] = {"invalid", "established", "related", "new", "", "", "untracked"};
  std::string text;
  for (std::size_t i = 0; i < std::size(names); ++i) {
    if ((bits >> i & 1) != 0) {
      text += (text.empty() ? "" : ",") + std::string(names[i]);
    }
  }
  return text.empty() ? "0x0" : text;
}

} // namespace

std::string printable(std::string_view text) {
  std::string kept(text);
  for (char& c : kept) {
    if (c < ' ' || c > '~' || c == '"' || c == '\\') {
      c = '_';
    }
  }
  return kept;
}

std::string value_text(const Bytes& value, ValueKind kind) {
  switch (kind) {
  case ValueKind::hexadecimal:
    return hexadecimal(value);
  case ValueKind::host_integer:
    return host_integer(value);
  case ValueKind::port:
    return value.size() == 2 ? std::to_string(static_cast<unsigned char>(value[0]) << 8 |
                                              static_cast<unsigned char>(value[1]))
                             : hexadecimal(value);
  case ValueKind::protocol:
    return value.size() == 1 ? protocol(static_cast<std::uint8_t>(value[0])) : hexadecimal(value);
  case ValueKind::family:
    return value.size() == 1 ? family(static_cast<std::uint8_t>(value[0])) : hexadecimal(value);
  case ValueKind::address:
    return value.size() == 4 || value.size() == 16 ? address(value) : hexadecimal(value);
  case ValueKind::interface:
    // Compared without the NUL behind it, it is the beginning of a name.
    return "\"" + printable(value.substr(0, value.find('\0'))) +
           (value.find('\0') == Bytes::npos ? "*\"" : "\"");
  case ValueKind::tcp_flags:
    return value.size() == 1 ? tcp_flags(static_cast<std::uint8_t>(value[0])) : hexadecimal(value);
  case ValueKind::ethertype:
    return value == Bytes("\x08\x00", 2) ? "ip" : value == Bytes("\x86\xdd", 2) ? "ip6" : hexadecimal(value);
  case ValueKind::connection_state:
  case ValueKind::connection_nat:
  case ValueKind::address_type:
  case ValueKind::decimal:
    break;
  }
  const auto number = host_u32(value);
  if (!number) {
    return hexadecimal(value);
  }
  return kind == ValueKind::connection_state ? connection_state(*number)
         : kind == ValueKind::connection_nat ? connection_nat(*number)
         : kind == ValueKind::address_type   ? address_type(*number)
                                             : std::to_string(*number);
}

std::string verdict_text(const expr::Verdict& verdict) {
  switch (verdict.code) {
  case NF_ACCEPT:
    return "accept";
  case NF_DROP:
    return "drop";
  case NFT_CONTINUE:
    return "continue";
  case NFT_RETURN:
    return "return";
  case NFT_JUMP:
    return "jump " + printable(verdict.chain);
  case NFT_GOTO:
    return "goto " + printable(verdict.chain);
  default:
    return "verdict " + std::to_string(verdict.code);
  }
}

std::string duration_text(std::chrono::milliseconds duration) {
  struct Unit {
    std::int64_t milliseconds;
    std::string_view name;
  };
  constexpr Unit units[] = {{86'400'000, "d"}, {3'600'000, "h"}, {60'000, "m"}, {1000, "s"}, {1, "ms"}};
  std::string text;
  std::int64_t left = duration.count();
  for (const Unit& unit : units) {
    if (left >= unit.milliseconds) {
      text += std::to_string(left / unit.milliseconds) + std::string(unit.name);
      left %= unit.milliseconds;
    }
  }
  return text.empty() ? "0s" : text;
}

} // namespace healthgate::nft
