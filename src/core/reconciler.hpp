// One gate: what is wanted against what the kernel does. Pure; the third machine of three. It says what to do
// next and is told what came of it. The actions of a list are done in order; what one of them brings back (a
// pulse's answer, the revision of a published table) is told before the next is done.
//
//   applied   what is known of the kernel             entered by
//   unknown   neither can be claimed                  construction; an unanswered pulse; a lost or lapsed
//                                                     lease; a report that names an error
//   closed    no lease holds the port, or the chain   start(); an acknowledged revoke; the closed form
//             is proven to be in its closed form      proven
//   open      chain proven open, lease acknowledged   an acknowledged renew; adopt()
//
// To open: publish the open form; once a report proves it, let the allowed sources through the socket filter
// and renew. To stay open: each decision renews. To close: revoke first, then everything else. A revoke that
// is not acknowledged shuts the listener at once, unless the socket filter drops everything as it is; it
// listens again when the closed form is proven and the lease is known to be gone, or when the gate opens.
//
// While open is wanted and the table is away, or is somebody else's, the socket filter alone lets the allowed
// sources in, for as long as the last lease would have run; then it drops everything until the table is back.
//
// A renew is said only while open is wanted, never without a decision younger than the lease, and at most
// twice a decision: its own, and one that makes good a lease which somebody else destroyed.
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

  // How long the last change of what is wanted took.
  struct Times {
    friend auto operator<=>(const Times&, const Times&) = default;
    std::optional<Duration> revoke; // the pulse of a close, acknowledged or not
    std::optional<Duration> commit; // from hand-over to the proof that the kernel holds form()
  };

  // How long a close waits for any proof before the listener is shut.
  static constexpr Duration patience = std::chrono::milliseconds(50);

  // `lease` is how long the kernel keeps the gate open after a renew.
  explicit Reconciler(Duration lease) : lease_(lease) {}

  // The store has installed this gate closed; its listener drops everything.
  void start();
  // The store found this gate open, with that much left of its lease, and its listener passes the allowlist:
  // it stays so until a decision or the lease's end.
  void adopt(TimePoint now, Duration remaining);

  // A decision: also the same one again, which keeps an open gate open.
  [[nodiscard]] Actions decide(bool open, TimePoint now);
  // The table with form() will have this revision. Also for a gate whose other rules have changed.
  void on_published(std::uint64_t revision) { form_revision_ = revision; }
  [[nodiscard]] Actions on_renewed(const PulseResult& result, TimePoint now);
  [[nodiscard]] Actions on_revoked(const PulseResult& result);
  [[nodiscard]] Actions on_report(const StoreReport& report, TimePoint now);
  // To be called at next_deadline(); harmless at any other time.
  [[nodiscard]] Actions on_time(TimePoint now);
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;
  // The configured lease has changed: the next renew brings it.
  void set_lease(Duration lease) { lease_ = lease; }

  [[nodiscard]] bool wants_open() const { return wanted_; }
  [[nodiscard]] ChainForm form() const { return wanted_ ? ChainForm::open : ChainForm::closed; }
  [[nodiscard]] Applied applied() const;
  [[nodiscard]] bool shut() const { return shut_; }
  // The socket filter is to pass the allowlist: when that changes, the filter must be told.
  [[nodiscard]] bool passing() const { return passing_; }
  [[nodiscard]] const Times& times() const { return times_; }
  // By when the kernel closes the gate unless a renew comes before; none while no lease is known to run.
  [[nodiscard]] std::optional<TimePoint> lease_end() const { return held_until_; }

  friend auto operator<=>(const Reconciler&, const Reconciler&) = default;

private:
  [[nodiscard]] Actions change(bool open, TimePoint now);
  [[nodiscard]] Actions hold_open(TimePoint now);
  [[nodiscard]] Actions hold_closed();
  [[nodiscard]] Actions give_up_listening();
  [[nodiscard]] bool passes_alone() const;
  [[nodiscard]] Actions let_lapse(TimePoint now);
  void notice_gap(TimePoint now);
  [[nodiscard]] bool renew_due(TimePoint now) const;

  Duration lease_;
  bool wanted_ = false;
  TimePoint wanted_since_{};
  TimePoint decided_{};   // the last decision
  TimePoint last_seen_{}; // the last time that anybody told us
  bool adopted_ = false;  // open by a predecessor's decision, none of our own yet
  int renewals_left_ = 0; // that the last decision is good for
  bool stale_ = false;    // there was a gap: the next decision may stand on what was seen before it

  bool installed_ = false;                     // the kernel has held this gate
  std::optional<std::uint64_t> form_revision_; // of the table with form(); none: not published yet
  bool form_proven_ = false;                   // the kernel held form() when last proven
  bool doubted_ = false;                       // ... and the store could not keep it so, or not yet

  std::optional<TimePoint> held_until_;     // the lease runs at least so long; none: not known to run
  TimePoint last_end_{};                    // of the lease that was acknowledged last
  std::optional<TimePoint> may_hold_until_; // ... and no longer than that; none: it is known to be gone
  std::optional<TimePoint> renewed_at_;     // the last acknowledged renew
  bool pulse_failed_ = false;               // the last pulse was not acknowledged

  bool passing_ = false; // the socket filter passes the allowlist
  bool shut_ = false;
  Times times_;
};

} // namespace healthgate::core
