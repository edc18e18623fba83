#include "listener/socket_filter.hpp"

#include <algorithm>
#include <cstdint>

namespace healthgate::listener {
namespace {

using Program = std::vector<sock_filter>;
using Cidrs = std::vector<core::Cidr>;

constexpr std::uint32_t ip_header = static_cast<std::uint32_t>(SKF_NET_OFF); // whatever precedes it
constexpr std::uint32_t interface_index = static_cast<std::uint32_t>(SKF_AD_OFF + SKF_AD_IFINDEX);
constexpr std::uint32_t loopback_index = 1; // of lo, in every network namespace
constexpr std::size_t head_size = 8;        // instructions before the two searches

sock_filter statement(unsigned code, std::uint32_t k) {
  return {static_cast<std::uint16_t>(code), 0, 0, k};
}

// `yes` and `no` are how many instructions to skip.
sock_filter jump(unsigned code, std::uint32_t k, unsigned yes, unsigned no) {
  return {static_cast<std::uint16_t>(BPF_JMP | BPF_K | code), static_cast<std::uint8_t>(yes),
          static_cast<std::uint8_t>(no), k};
}

sock_filter load_word(std::uint32_t offset) {
  return statement(BPF_LD | BPF_W | BPF_ABS, offset);
}

const sock_filter drop = statement(BPF_RET | BPF_K, 0);
const sock_filter pass = statement(BPF_RET | BPF_K, 0xffffffff);

std::uint32_t word(const core::Address& address, std::size_t index) {
  std::uint32_t value = 0;
  for (std::size_t byte = 4 * index; byte < 4 * index + 4; ++byte) {
    value = value << 8U | address.bytes[byte];
  }
  return value;
}

// Binary search for the word in A among sorted blocks [begin, end): ends in pass or drop.
void search4(Cidrs::const_iterator begin, Cidrs::const_iterator end, Program& out) {
  if (begin == end) {
    out.push_back(drop);
    return;
  }
  if (end - begin == 1) {
    out.push_back(jump(BPF_JGE, word(begin->address, 0), 0, 2));
    out.push_back(jump(BPF_JGT, word(begin->last(), 0), 1, 0));
    out.push_back(pass);
    out.push_back(drop);
    return;
  }
  const auto middle = begin + (end - begin) / 2;
  // A conditional jump reaches 255 instructions, an unconditional one all of them.
  out.push_back(jump(BPF_JGE, word(middle->address, 0), 0, 1));
  const auto far = out.size();
  out.push_back(statement(BPF_JMP | BPF_JA, 0));
  search4(begin, middle, out);
  out[far].k = static_cast<std::uint32_t>(out.size() - far - 1);
  search4(middle, end, out);
}

std::size_t size4(std::size_t blocks) {
  return blocks == 0 ? 1 : 4 * blocks + 2 * (blocks - 1);
}

// One block after the other: an IPv6 address does not fit into the machine's word.
void scan6(const Cidrs& blocks, Program& out) {
  for (const auto& block : blocks) {
    std::vector<std::size_t> to_next;
    for (std::size_t index = 0; 32 * index < block.prefix; ++index) {
      const auto bits = std::min<std::size_t>(32, block.prefix - 32 * index);
      out.push_back(load_word(ip_header + 8 + static_cast<std::uint32_t>(4 * index)));
      if (bits < 32) {
        out.push_back(statement(BPF_ALU | BPF_AND | BPF_K, ~0U << (32 - bits)));
      }
      to_next.push_back(out.size());
      out.push_back(jump(BPF_JEQ, word(block.address, index), 0, 0));
    }
    out.push_back(pass);
    for (const auto at : to_next) {
      out[at].jf = static_cast<std::uint8_t>(out.size() - at - 1);
    }
  }
  out.push_back(drop);
}

std::size_t size6(const Cidrs& blocks) {
  std::size_t size = 1;
  for (const auto& block : blocks) {
    size += 1 + 2 * static_cast<std::size_t>((block.prefix + 31) / 32) + (block.prefix % 32 != 0 ? 1 : 0);
  }
  return size;
}

std::size_t size_of(const core::Allowlist& allow) {
  return head_size + size4(allow.v4().size()) + size6(allow.v6());
}

core::Cidr widened(core::Cidr cidr, int prefix) {
  if (cidr.prefix <= prefix) {
    return cidr;
  }
  cidr.prefix = static_cast<std::uint8_t>(prefix);
  for (int bit = prefix; bit < cidr.address.bits(); ++bit) {
    auto& byte = cidr.address.bytes[static_cast<std::size_t>(bit / 8)];
    byte = static_cast<std::uint8_t>(byte & ~(0x80U >> (bit % 8)));
  }
  return cidr;
}

core::Allowlist widened(const core::Allowlist& allow, int prefix4, int prefix6) {
  Cidrs cidrs;
  cidrs.reserve(allow.size());
  std::transform(allow.v4().begin(), allow.v4().end(), std::back_inserter(cidrs),
                 [&](const auto& cidr) { return widened(cidr, prefix4); });
  std::transform(allow.v6().begin(), allow.v6().end(), std::back_inserter(cidrs),
                 [&](const auto& cidr) { return widened(cidr, prefix6); });
  return core::Allowlist(std::move(cidrs));
}

// The narrowest widening that fits; IPv6 gives way four bits for each of IPv4.
core::Allowlist fitted(const core::Allowlist& allow, std::size_t limit) {
  int prefix = 32;
  auto fit = allow;
  while (size_of(fit) > limit && prefix > 0) {
    --prefix;
    fit = widened(allow, prefix, 4 * prefix);
  }
  return fit;
}

core::Allowlist with_loopback(const core::Allowlist& allow) {
  Cidrs cidrs = allow.v4();
  cidrs.insert(cidrs.end(), allow.v6().begin(), allow.v6().end());
  cidrs.push_back(core::Cidr::parse("127.0.0.0/8").value());
  cidrs.push_back(core::Cidr::parse("::1").value());
  return core::Allowlist(std::move(cidrs));
}

} // namespace

SocketFilter drop_everything() {
  return {{drop}, true};
}

SocketFilter pass_only(const core::Allowlist& allow, std::size_t limit) {
  const auto wanted = with_loopback(allow);
  const auto blocks = fitted(wanted, limit);
  Program v4;
  v4.push_back(load_word(ip_header + 12));
  search4(blocks.v4().begin(), blocks.v4().end(), v4);
  Program program;
  program.push_back(load_word(interface_index));
  program.push_back(jump(BPF_JEQ, loopback_index, 0, 1));
  program.push_back(pass);
  program.push_back(statement(BPF_LD | BPF_B | BPF_ABS, ip_header));
  program.push_back(statement(BPF_ALU | BPF_AND | BPF_K, 0xf0));
  program.push_back(jump(BPF_JEQ, 0x40, 1, 0)); // not IPv4: it is IPv6
  program.push_back(statement(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(v4.size())));
  program.insert(program.end(), v4.begin(), v4.end());
  scan6(blocks.v6(), program);
  return {std::move(program), blocks == wanted};
}

} // namespace healthgate::listener
