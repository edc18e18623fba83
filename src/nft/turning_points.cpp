#include "nft/turning_points.hpp"

#include "nft/attributes.hpp"
#include "nft/raw_text.hpp"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace healthgate::nft {
namespace {

// The first four and the first sixteen octets: of a concatenation, its first field.
void add(std::vector<core::Address>& points, const Bytes& value) {
  for (const core::Family family : {core::Family::ipv4, core::Family::ipv6}) {
    core::Address address{family, {}};
    const auto length = static_cast<std::size_t>(address.bits()) / 8;
    if (value.size() >= length) {
      std::memcpy(address.bytes.data(), value.data(), length);
      points.push_back(address);
    }
  }
}

void add_rule(std::vector<core::Address>& points, const Rule& rule) {
  for (const Expr& part : rule.exprs) {
    if (const auto* cmp = std::get_if<expr::Cmp>(&part)) {
      Bytes padded = cmp->data; // the first octets of an address stand for a prefix
      padded.resize(padded.size() < 4 ? 4 : padded.size(), '\0');
      add(points, padded);
    } else if (const auto* raw = std::get_if<expr::Raw>(&part)) {
      if (const auto range = range_text(*raw)) {
        add(points, range->from);
        add(points, range->to);
      }
    }
  }
}

core::Address one_further(core::Address address) {
  for (auto i = static_cast<std::size_t>(address.bits()) / 8; i-- > 0;) {
    if (++address.bytes[i] != 0) {
      break;
    }
  }
  return address;
}

core::Address one_back(core::Address address) {
  for (auto i = static_cast<std::size_t>(address.bits()) / 8; i-- > 0;) {
    if (address.bytes[i]-- != 0) {
      break;
    }
  }
  return address;
}

} // namespace

std::vector<core::Address> turning_points(const HostRules& rules) {
  std::vector<core::Address> points;
  for (const HostTable& table : rules) {
    for (const auto& [name, chain] : table.chains) {
      for (const HostRule& rule : chain.rules) {
        add_rule(points, rule.rule);
      }
    }
    for (const auto& [name, set] : table.sets) {
      for (const HostElement& element : set.elements) {
        add(points, element.key);
        add(points, element.key_end);
      }
    }
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

std::vector<core::Address> representatives(const core::Cidr& block, const std::vector<core::Address>& points,
                                           std::size_t most) {
  if (block.prefix + 1 >= block.address.bits()) { // one address or two
    std::vector<core::Address> all = {block.address};
    if (block.prefix < block.address.bits()) {
      all.push_back(block.last());
    }
    return all;
  }
  const core::Address first = one_further(block.address);
  const core::Address last = one_back(block.last());
  std::vector<core::Address> chosen = {first};
  const auto begin = std::upper_bound(points.begin(), points.end(), first);
  const auto end = std::lower_bound(points.begin(), points.end(), last);
  for (auto point = begin; point < end && chosen.size() <= most; ++point) {
    chosen.push_back(*point);
  }
  chosen.push_back(last);
  return chosen;
}

} // namespace healthgate::nft
