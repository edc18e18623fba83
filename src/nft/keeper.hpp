// Keeps the kernel's table as desired: installs, moves, reads back, repairs. Single-threaded and without a
// clock of its own beyond lease times; the committer's thread drives it, tests drive it directly.
//
//   proven_ true   the kernel is proven to hold committed_; a toggle is a small transaction against it
//   proven_ false  unknown: at start, after a refused or unanswered transaction; read back, compare, mend
//
// A gate whose large allow set has to be made anew stays in its closed form until the set is filled.
#pragma once

#include "core/ruleset.hpp"
#include "nft/large_sets.hpp"
#include "nft/lease_ledger.hpp"
#include "nft/netlink_socket.hpp"
#include "nft/store.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace healthgate::nft {

// What one step came to.
struct Outcome {
  bool in_sync = false;    // the kernel is proven to hold the whole desired ruleset
  bool repaired = false;   // something differed that was proven before, and was put right
  bool lease_lost = false; // a lease went that should not have: renew or revoke every gate
  std::string what;
  int error = 0;
};

class Keeper {
public:
  Keeper(NetlinkSocket& socket, const LeaseLedger& ledger);

  // Puts the table in place: see Store::start(). Throws std::system_error.
  StartReport install(const core::Ruleset& initial, OwnerPolicy policy, Leases leases);

  // Moves the kernel to `desired`. Gates that only open or close are toggled in a small transaction; for the
  // rest the kernel's table is read, compared and mended.
  Outcome apply(std::shared_ptr<const core::Ruleset> desired);
  // Reads the kernel's table back, but for large sets, and mends what differs.
  Outcome verify();
  // Deletes the table.
  Result<void> remove();

  // A large allow set is being filled, one piece a step.
  [[nodiscard]] bool filling() const { return large_.filling(); }
  Outcome fill_step();

  // The sets that verify() leaves out.
  [[nodiscard]] std::vector<Set> large_sets() const;
  // One of them is not as believed: it is read, and mended.
  Outcome distrust(const std::string& set);

  [[nodiscard]] std::uint64_t proven_revision() const { return proven_revision_; }

private:
  using Renewals = std::map<std::uint16_t, core::TimePoint>;

  Result<bool> toggle(const core::Ruleset& to);
  Outcome reconcile(bool read_back, bool from_scratch);
  Result<bool> reconcile_once(bool read_back, bool from_scratch, Outcome& outcome);
  Result<std::optional<Table>> read(const Table& expected);
  Result<void> mend(const std::optional<Table>& found, Table& expected, std::vector<Change> changes,
                    Outcome& outcome);
  void close_waiting(Table& expected, const std::vector<std::string>& anew) const;
  Result<void> judge_leases(const std::optional<Table>& found, const Renewals& before, Outcome& outcome);
  [[nodiscard]] Renewals renewals() const;
  void keep_adoptable(core::Ruleset& initial, const Table& found, StartReport& report) const;
  Outcome settled(Outcome outcome);
  Outcome failed(const NetlinkError& error, Outcome outcome);

  NetlinkSocket& socket_;
  const LeaseLedger& ledger_;
  std::size_t batch_limit_bytes_;
  std::uint32_t flags_ = 0;
  bool adopt_ = false;  // the table is an orphan, to be taken into possession by the next transaction
  bool orphan_ = false; // the table was persistent and nobody's when it was last read

  std::shared_ptr<const core::Ruleset> desired_;
  std::shared_ptr<const core::Ruleset> committed_; // what toggles are told from
  bool proven_ = false;
  std::uint64_t proven_revision_ = 0;
  LargeSets large_;
  Table expected_; // the table of committed_, with gates closed that wait for their allow set
};

} // namespace healthgate::nft
