// Registers, and what a set holds for a key.
#include "nft/instruction.hpp"

#include "nft/kernel_abi.hpp"

#include <algorithm>
#include <cstring>

namespace healthgate::nft {
namespace {

constexpr std::size_t word_bytes = NFT_REG32_SIZE;
constexpr std::size_t words = 16;

// The word that a register begins at: NFT_REG_1 to 4 are four words each, NFT_REG32_00 to 15 one.
std::optional<std::size_t> word_of(std::uint32_t reg, std::size_t length) {
  const std::size_t first = reg >= NFT_REG32_00                    ? reg - NFT_REG32_00
                            : reg >= NFT_REG_1 && reg <= NFT_REG_4 ? (reg - NFT_REG_1) * 4
                                                                   : words;
  return first * word_bytes + length <= words * word_bytes ? std::optional(first) : std::nullopt;
}

std::size_t word_count(std::size_t length) {
  return (length + word_bytes - 1) / word_bytes;
}

// A concatenation of ranges: each field, padded to words, must lie between the ends.
bool within(const HostElement& element, const std::vector<std::uint32_t>& fields, const Bytes& key) {
  const Bytes& far_end = element.key_end.empty() ? element.key : element.key_end;
  std::size_t at = 0;
  for (const std::uint32_t length : fields) {
    if (at + length > key.size() || at + length > element.key.size() || at + length > far_end.size()) {
      return false;
    }
    if (std::memcmp(key.data() + at, element.key.data() + at, length) < 0 ||
        std::memcmp(key.data() + at, far_end.data() + at, length) > 0) {
      return false;
    }
    at += word_count(length) * word_bytes;
  }
  return true;
}

const HostElement* find_element(const HostSet& set, const Bytes& key) {
  const auto all_begin = set.elements.begin();
  const auto all_end = set.elements.end();
  if (!set.fields.empty() && (set.flags & NFT_SET_INTERVAL) != 0) {
    const auto hit = std::find_if(all_begin, all_end, [&](const HostElement& one) {
      return !one.catch_all && within(one, set.fields, key);
    });
    return hit == all_end ? nullptr : &*hit;
  }
  // The last one that does not lie behind the key; std::string compares octets as unsigned.
  auto after = std::upper_bound(all_begin, all_end, key,
                                [](const Bytes& sought, const HostElement& one) { return sought < one.key; });
  if (after == all_begin) {
    return nullptr;
  }
  const HostElement& last = *std::prev(after);
  if (last.catch_all) {
    return nullptr;
  }
  if ((set.flags & NFT_SET_INTERVAL) != 0) {
    return last.interval_end ? nullptr : &last;
  }
  return last.key == key ? &last : nullptr;
}

} // namespace

void Registers::set(std::uint32_t reg, const Bytes& value) {
  if (const auto first = word_of(reg, value.size())) {
    std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(*first * word_bytes),
                word_count(value.size()) * word_bytes, '\0');
    std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(*first * word_bytes));
    std::fill_n(doubts_.begin() + static_cast<std::ptrdiff_t>(*first), word_count(value.size()), "");
  }
}

void Registers::set_unknown(std::uint32_t reg, std::size_t length, std::string_view why) {
  if (const auto first = word_of(reg, length)) {
    std::fill_n(doubts_.begin() + static_cast<std::ptrdiff_t>(*first), word_count(length), why);
  }
}

void Registers::forget_all(std::string_view why) {
  doubts_.fill(std::string(why));
}

std::optional<Bytes> Registers::get(std::uint32_t reg, std::size_t length, std::string& doubt) const {
  const auto first = word_of(reg, length);
  if (!first) {
    doubt = "a register that does not exist";
    return {};
  }
  for (std::size_t word = *first; word < *first + word_count(length); ++word) {
    if (!doubts_[word].empty()) {
      doubt = doubts_[word];
      return {};
    }
  }
  return Bytes(bytes_.data() + *first * word_bytes, length);
}

Found look_up(const HostSet& set, const Bytes& key) {
  const HostElement* element = find_element(set, key);
  if (element == nullptr) {
    const auto rest = std::find_if(set.elements.begin(), set.elements.end(),
                                   [](const HostElement& one) { return one.catch_all; });
    element = rest == set.elements.end() ? nullptr : &*rest;
  }
  if (element == nullptr) {
    return {};
  }
  return {element->conditional ? Match::maybe : Match::yes, element};
}

} // namespace healthgate::nft
