// Compares large allow sets with what they should hold, piece by piece, so that the committer's thread can
// toggle a gate between two pieces. Takes no memory for the elements: each is looked up as it comes.
#pragma once

#include "nft/model.hpp"
#include "nft/netlink_socket.hpp"

#include <optional>
#include <string>
#include <vector>

namespace healthgate::nft {

// Counts an allow set's elements against its allowlist. The elements of a set are distinct, so it holds the
// allowlist and nothing else when each is expected and as many came as there should be.
class ExpectedBoundaries {
public:
  explicit ExpectedBoundaries(const Set& expected);
  void see(const Bytes& key, bool end);
  [[nodiscard]] bool complete() const {
    return !strange_ && starts_ == wanted_starts_ && ends_ == wanted_ends_;
  }

private:
  const std::vector<core::Cidr>* cidrs_;
  std::size_t key_len_;
  std::size_t wanted_starts_;
  std::size_t wanted_ends_;
  std::size_t starts_ = 0;
  std::size_t ends_ = 0;
  bool strange_ = false;
};

class LargeCheck {
public:
  // Throws std::system_error.
  LargeCheck() : socket_("check of large sets") {}

  void begin(std::vector<Set> sets);
  [[nodiscard]] bool running() const { return !sets_.empty(); }
  enum class Finding {
    none,     // so far
    differs,  // the set current() is not as it should be; the next step goes on with another
    restless, // commits interrupted it again and again: given up, all of it
  };
  // Reads at most 32 KiB, some 0.1 ms. Only while running().
  Finding step();
  // The set that the last step was about.
  [[nodiscard]] const std::string& current() const { return current_; }

private:
  Finding finish(bool as_expected);
  Finding interrupted();

  NetlinkSocket socket_;  // of its own: a dump in progress blocks the next on the same socket
  std::vector<Set> sets_; // the last one is being read
  std::optional<ExpectedBoundaries> reading_;
  std::string current_;
  int interruptions_ = 0; // of the set being read
};

} // namespace healthgate::nft
