// The kernel's table and the leases in it: core::RulesetStore for production.
//
//   Store store({OwnerPolicy::automatic, Leases::flush}); // opens every socket: before listeners
//   StartReport started = store.start(ruleset);           // the table is in place, closed
//   ... store.report_fd() readable -> store.dispatch() -> the on_report callback
//
// Two ways lead to the kernel. renew() and revoke() are pulses: datagrams on loopback that move a lease in
// the packet path, without a lock, sent by the calling thread. apply() and verify() hand over to the
// committer's thread, which waits for the namespace's commit lock (nft-findings, 1.6: up to 13 s) so that the
// caller never does.
//
// Leases are moved by pulses alone: no transaction adds a lease element, because one that waited behind the
// commit lock could open a gate that was revoked meanwhile.
//
// A killed process' descriptors are closed from the highest down, and closing a netlink socket waits for the
// commit lock: make the Store before any listener, and close listeners before it (nft-findings, 7).
#pragma once

#include "base/unique_fd.hpp"
#include "core/ports.hpp"
#include "nft/error.hpp"
#include "nft/features.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace healthgate::nft {

// What start() does with leases that a predecessor left in the table.
enum class Leases {
  flush, // nothing is open before a first renew()
  adopt, // successor of a daemon that stopped with `hold`, or was killed: open gates stay open while the
         // lease lasts
};

struct StoreOptions {
  OwnerPolicy owner = OwnerPolicy::automatic;
  Leases leases = Leases::flush;
};

// A gate that start() found open, its lease running: left in its open form until apply() says otherwise.
struct AdoptedGate {
  std::string name;
  std::uint16_t port = 0;
  std::chrono::milliseconds remaining{}; // of the lease, when start() returned
  std::string comment;                   // on its accept rule: "open since 2026-11-22T02:05:42Z: HTTP 200"
};

struct StartReport {
  TableMode mode = TableMode::plain;
  bool took_over = false; // a predecessor's table was repaired in place rather than made anew
  std::vector<AdoptedGate> adopted;
};

class Store final : public core::RulesetStore {
public:
  // Opens the netlink and pulse sockets. Throws std::system_error, naming the socket, without CAP_NET_ADMIN.
  // `inherited` is the owner_fd() of a predecessor, or none.
  explicit Store(const StoreOptions& options, base::UniqueFd inherited = {});
  // Ends the thread and closes the sockets, which may wait for the commit lock. The table stays if its mode
  // lets it.
  ~Store() override;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Puts the whole table in place on the calling thread, then starts the committer's thread. Gates are
  // installed in closed form whatever `initial` says, except adopted ones; apply() decides from then on. Also
  // tries that pulses are honest: none is acknowledged before the table is there, nor one with a wrong nonce
  // after, and that a right one is. Allowlists above `small_set_limit` follow on the thread, their gates
  // closed until then. Throws std::system_error with what was tried.
  StartReport start(std::shared_ptr<const core::Ruleset> initial);

  // Readable when reports wait; dispatch() then calls the on_report callback for each, on the calling thread.
  [[nodiscard]] int report_fd() const;
  void dispatch();

  core::PulseResult renew(std::uint16_t port) override;
  core::PulseResult revoke(std::uint16_t port) override;
  // The nonce must be the one given to start(): to use another would be a bug.
  void apply(std::shared_ptr<const core::Ruleset> desired) override;
  void verify() override;
  void on_report(Reported reported) override;

  // Deletes the table, for `on-stop = close` and removal of the package: waits up to `patience` for the
  // committer's thread, which applies and repairs nothing any more from then on. Revoke first, and close the
  // listeners.
  Result<void> remove(std::chrono::milliseconds patience);

  // For a successor. The socket that owns the table, to be kept or handed over as a descriptor; whoever has
  // it holds the table, and writes to it.
  [[nodiscard]] int owner_fd() const;
  // Nothing but pulses is sent to the kernel from when this has returned until resume(), which reads the
  // table back and mends it. Fails when a transaction still waits for the commit lock after `patience`.
  Result<void> pause(std::chrono::milliseconds patience);
  void resume();

private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

} // namespace healthgate::nft
