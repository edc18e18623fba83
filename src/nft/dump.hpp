// Reads our table from the kernel. Lockless: a dump waits for nobody's commit, and bumps no generation.
#pragma once

#include "nft/model.hpp"
#include "nft/netlink_socket.hpp"

#include <optional>
#include <string_view>
#include <unordered_set>

namespace healthgate::nft {

// Which elements a dump reads. Those of sets not named in `expected` are read when `foreign` is set.
struct DumpScope {
  const Table* expected = nullptr; // gives each set its role; nullptr: every set is foreign
  const std::unordered_set<std::string>* skip =
      nullptr;          // sets whose elements are left out (elements_known false)
  bool foreign = false; // elements of sets that are not ours, and of seen and strangers
};

// The table `name`, or nothing when there is none. Five requests and one more for each set that is read:
// about 40 µs for one gate with a small allowlist; 0.1 s for 100,000 CIDRs. The parts are read one after the
// other. A commit between them can give a picture that never was; whoever acts on it must bear to be refused,
// and is told of the commit by the watcher.
Result<std::optional<Table>> dump_table(NetlinkSocket& socket, std::string_view name, const DumpScope& scope);

// The ends of an interval set, as dumped in any order, to intervals. `malformed` when they do not pair up.
class IntervalCollector {
public:
  explicit IntervalCollector(std::size_t key_len) : key_len_(key_len) {}
  void add(const Bytes& key, bool end);
  // Sorted intervals.
  std::vector<Interval> take(bool& malformed);

private:
  struct Boundary {
    std::array<std::uint8_t, 16> key{};
    bool end = false;
  };
  std::size_t key_len_;
  std::vector<Boundary> boundaries_;
  bool malformed_ = false;
};

} // namespace healthgate::nft
