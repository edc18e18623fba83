// The three seams between the pure core and the world. Production implements them in probe/, nft/ and loop/;
// unit tests use tests/support fakes. No others: listener, observe and control are tested for real on
// loopback.
#pragma once

#include "core/probe_result.hpp"
#include "core/ruleset.hpp"
#include "core/time.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace healthgate::core {

// One probe of one gate, made ready once and started again and again.
class Prober {
public:
  using Done = std::function<void(ProbeResult)>;
  using Hint = std::function<void(std::string why)>;
  virtual ~Prober() = default;

  // Begins a probe; never blocks. `done` is called once, from the loop, never from inside start(), and at the
  // latest at the probe's own deadline (its timeout). Starting while one runs is a bug.
  virtual void start(Done done) = 0;
  // Forgets a running probe: its `done` will not be called. Harmless when none runs.
  virtual void cancel() = 0;
  // Names what to call when something suggests that the service has changed between two probes: the idle
  // keep-alive connection ended, the watched file or process went. A hint triggers a probe, never a verdict.
  virtual void on_hint(Hint hint) = 0;
};

// What a pulse brought back. EPERM from send(2) proves that our rule matched, the lease changed and the
// datagram was dropped; anything else means that the firewall is not what we installed.
enum class PulseAnswer { acknowledged, unanswered };

struct PulseResult {
  PulseAnswer answer = PulseAnswer::unanswered;
  int error = 0; // errno of send(2), 0 when the datagram went out
  Duration took{};
};

// News from the thread that owns the kernel's table.
struct StoreReport {
  std::uint64_t revision =
      0; // the newest revision that the kernel held, whole, when last proven; 0: none is proven
  bool in_sync = false; // false: unknown or refused; the store keeps trying with backoff by itself
  bool lease_lost =
      false; // the lease set was recreated or tampered with: every gate needs a fresh renew or revoke
  bool repaired = false; // a foreign change was found and undone
  std::string writer;    // who made it, "nft (pid 4711)", "" when not known
  std::string what;      // what was found or refused, one line, "" when nothing
  int error = 0;         // errno of a refused transaction
  Duration took{};       // from hand-over to the kernel's answer
};

// The kernel's table, and the leases in it.
class RulesetStore {
public:
  using Reported = std::function<void(const StoreReport&)>;
  virtual ~RulesetStore() = default;

  // Moves the lease of `port`; a datagram on loopback, about a microsecond, no lock, no thread.
  virtual PulseResult renew(std::uint16_t port) = 0;
  virtual PulseResult revoke(std::uint16_t port) = 0;
  // Names the ruleset that the kernel shall hold from now on. Last one wins; never blocks: the transaction
  // runs on the store's own thread, and a report follows. Applying never creates a lease.
  virtual void apply(std::shared_ptr<const Ruleset> desired) = 0;
  // Asks to read the kernel's state back and repair it where it differs; a report follows.
  virtual void verify() = 0;
  // Whom to tell, on the loop's thread.
  virtual void on_report(Reported reported) = 0;
};

// One-shot timers on the loop.
class Timers {
public:
  using Id = std::uint64_t; // 0 is never used
  virtual ~Timers() = default;

  [[nodiscard]] virtual Now now() const = 0; // time at which the loop woke
  virtual Id at(TimePoint when, std::function<void()> call) = 0;
  virtual void cancel(Id id) = 0; // of one that has fired: harmless
};

} // namespace healthgate::core
