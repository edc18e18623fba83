// What the tests of the Store share: its reports, a listener, a listing that can be compared.
#pragma once

#include "base/unique_fd.hpp"
#include "nft/pulse.hpp"
#include "nft/render.hpp"
#include "nft/store.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace healthgate::nft::testing {

// Collects a store's reports, and waits for one.
class Reports {
public:
  explicit Reports(Store& store);
  using Wanted = std::function<bool(const core::StoreReport&)>;

  // The first report that came since the last call, or comes within `patience`, and is wanted; nothing, and a
  // failed test, when none does.
  std::optional<core::StoreReport> wait_for(const Wanted& wanted,
                                            std::chrono::milliseconds patience = std::chrono::seconds(20));
  // The report that proves `revision`.
  core::StoreReport wait_for_revision(std::uint64_t revision);
  [[nodiscard]] std::size_t seen() const { return seen_; }

private:
  Store& store_;
  std::vector<core::StoreReport> waiting_;
  std::size_t seen_ = 0;
};

// Listens on a port of every address: the kernel completes the handshake.
class Listener {
public:
  explicit Listener(std::uint16_t port);
  // Accepts and closes what waits, before the backlog of 4096 is full and SYNs stay unanswered.
  void drain() const;

private:
  base::UniqueFd fd_;
};

// Tries for as long as the kernel takes to collect expired elements.
bool renew_until_acknowledged(Store& store, std::uint16_t port);

// The chains, sets and counters of a listing, in no order: a table that was mended lists them in another.
std::multiset<std::string> sorted_blocks(const std::string& listing);

} // namespace healthgate::nft::testing
