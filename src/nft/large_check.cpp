#include "nft/large_check.hpp"

#include "nft/kernel_abi.hpp"
#include "nft/parse.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace healthgate::nft {
namespace {

// A neighbour that commits all the time would keep the check busy for ever.
constexpr int most_interruptions = 10;

core::Family family_of(const Set& set) {
  return set.key_len == 4 ? core::Family::ipv4 : core::Family::ipv6;
}

bool is_zero(const Bytes& key) {
  return key.find_first_not_of('\0') == Bytes::npos;
}

// The address before; `key` is not zero.
void decrement(core::Address& address, std::size_t key_len) {
  for (std::size_t i = key_len; i-- > 0;) {
    if (address.bytes[i]-- != 0) {
      return;
    }
  }
}

} // namespace

ExpectedBoundaries::ExpectedBoundaries(const Set& expected)
    : cidrs_(family_of(expected) == core::Family::ipv4 ? &expected.allow->v4() : &expected.allow->v6()),
      key_len_(expected.key_len), wanted_starts_(cidrs_->size()), wanted_ends_(cidrs_->size()) {
  if (cidrs_->empty()) {
    return;
  }
  const core::Address last = cidrs_->back().last();
  const bool to_the_end =
      std::all_of(last.bytes.begin(), last.bytes.begin() + static_cast<std::ptrdiff_t>(key_len_),
                  [](std::uint8_t octet) { return octet == 0xff; });
  wanted_ends_ -= to_the_end ? 1 : 0; // such a block has no end element
}

void ExpectedBoundaries::see(const Bytes& key, bool end) {
  core::Address address;
  address.family = key_len_ == 4 ? core::Family::ipv4 : core::Family::ipv6;
  if (key.size() != key_len_) {
    strange_ = true; // a catch-all element has no key
    return;
  }
  if (end && is_zero(key)) {
    return; // "nothing before the first", as nft begins a set
  }
  std::memcpy(address.bytes.data(), key.data(), key.size());
  if (end) {
    decrement(address, key_len_);
  }
  // The block that begins at or below the address.
  auto block = std::upper_bound(cidrs_->begin(), cidrs_->end(), address,
                                [](const core::Address& a, const core::Cidr& b) { return a < b.address; });
  if (block == cidrs_->begin()) {
    strange_ = true;
    return;
  }
  --block;
  strange_ = strange_ || (end ? block->last() : block->address) != address;
  ++(end ? ends_ : starts_);
}

void LargeCheck::begin(std::vector<Set> sets) {
  sets_ = std::move(sets);
  reading_.reset();
}

LargeCheck::Finding LargeCheck::step() {
  const Set& set = sets_.back();
  if (!reading_) {
    reading_.emplace(set);
    current_ = set.name;
    auto sent = socket_.begin_request(NFT_MSG_GETSETELEM, NLM_F_DUMP, [&set](nlmsghdr& message) {
      mnl_attr_put_strz(&message, NFTA_SET_ELEM_LIST_TABLE, table_name.data());
      mnl_attr_put_strz(&message, NFTA_SET_ELEM_LIST_SET, set.name.c_str());
    });
    if (!sent) {
      return interrupted();
    }
  }
  const auto piece = socket_.read_piece([this](const nlmsghdr& message) {
    parse_elements(message,
                   [this](const ElementRow& row) { reading_->see(row.element.key, row.interval_end); });
  });
  if (!piece) {
    return piece.error().error == ENOENT ? finish(false) : interrupted();
  }
  switch (piece.value()) {
  case NetlinkSocket::Progress::more:
    return Finding::none;
  case NetlinkSocket::Progress::interrupted:
    return interrupted();
  case NetlinkSocket::Progress::whole:
    return finish(reading_->complete());
  }
  return Finding::none;
}

// The set is begun anew at the next step.
LargeCheck::Finding LargeCheck::interrupted() {
  reading_.reset();
  if (++interruptions_ < most_interruptions) {
    return Finding::none;
  }
  interruptions_ = 0;
  sets_.clear();
  return Finding::restless;
}

LargeCheck::Finding LargeCheck::finish(bool as_expected) {
  sets_.pop_back();
  reading_.reset();
  interruptions_ = 0;
  return as_expected ? Finding::none : Finding::differs;
}

} // namespace healthgate::nft
