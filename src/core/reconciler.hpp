// One gate: what is wanted against what the kernel does. Pure; the third machine of three. It says what to do
// next and is told what came of it; the order of the actions in a list is the order in which they must be
// done.
//
//   applied   what is known of the kernel                     entered by
//   closed    the lease is revoked, or never was              an acknowledged revoke, start()
//   open      the chain is open and the lease holds the port  an acknowledged renew after the open form was
//   proven unknown   none of the two can be claimed                  an unanswered pulse, a foreign change, a
//   lost lease
//
// To open: publish the open form, have it proven by a report, let the allowed sources through the socket
// filter, renew. To close: revoke first, then everything else. A revoke that is not acknowledged shuts the
// listener at once; it listens again only when the closed form is proven and a later revoke was acknowledged,
// or the gate opens.
//
// renew is said only while open is wanted, and only as the consequence of decide(): once for each, but for
// the one that makes good a lease that somebody else destroyed, if the last decision is younger than the
// lease.
#pragma once

#include "core/ports.hpp"
#include "core/ruleset.hpp"
#include "core/snapshot.hpp"
#include "core/time.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace healthgate::core {

class Reconciler {
public:
  enum class Action {
    revoke,            // send a revoking pulse, then on_revoked()
    renew,             // send a renewing pulse, then on_renewed()
    publish,           // ask for the table with form(), then on_published()
    filter_all,        // the listener's socket filter drops everything
    filter_allowed,    // ... passes the allowlist
    shut,              // the listener refuses
    listen,            // the listener accepts again
    reset_connections, // accepted connections are reset
    verify,            // ask the store to read the kernel's state
  };
  using Actions = std::vector<Action>;

  explicit Reconciler(Duration lease) : lease_(lease) {}

  // The store has installed this gate closed.
  void start() { applied_ = Applied::closed; }
  // The store found this gate open, with that much left of its lease: it stays so until a decision or the
  // lease's end.
  void adopt(TimePoint now, Duration remaining);

  // A decision: also the same one again, which keeps an open gate open.
  [[nodiscard]] Actions decide(bool open, TimePoint now);
  [[nodiscard]] Actions on_published(std::uint64_t revision);
  [[nodiscard]] Actions on_renewed(const PulseResult& result, TimePoint now);
  [[nodiscard]] Actions on_revoked(const PulseResult& result);
  [[nodiscard]] Actions on_report(const StoreReport& report, TimePoint now);
  // The configured lease has changed.
  void set_lease(Duration lease) { lease_ = lease; }

  [[nodiscard]] bool wants_open() const { return wanted_; }
  [[nodiscard]] ChainForm form() const { return wanted_ ? ChainForm::open : ChainForm::closed; }
  [[nodiscard]] Applied applied() const { return applied_; }
  [[nodiscard]] bool shut() const { return shut_; }
  // By when the kernel closes the gate unless a renew comes before; none while no lease is known to run.
  [[nodiscard]] std::optional<TimePoint> lease_end() const { return lease_end_; }

private:
  [[nodiscard]] Actions open_if_proven(TimePoint now);
  [[nodiscard]] Duration spacing() const;

  Duration lease_;
  bool wanted_ = false;
  Applied applied_ = Applied::unknown;
  bool form_proven_ =
      true; // the kernel holds the chain in form(); start() and adopt() speak for the first one
  std::uint64_t form_revision_ = 0;
  bool shut_ = false;
  bool pulse_failed_ = false; // since the last decision or repair
  TimePoint decided_{};       // the last decision
  std::optional<TimePoint> lease_end_;
};

} // namespace healthgate::core
