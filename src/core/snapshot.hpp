// Everything that people and machines are told about the daemon, as one value made by app/ at a point in
// time. observe/ and control/ turn it into Prometheus text, JSON, the page and `status`; none of them looks
// elsewhere.
#pragma once

#include "core/probe_result.hpp"
#include "core/time.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace healthgate::core {

// What the kernel is known to do with a SYN to the gate's port.
enum class Applied { open, closed, unknown };

// Cumulative histogram with fixed upper bounds, in seconds.
struct Histogram {
  std::vector<double> bounds;
  std::vector<std::uint64_t> counts; // one more than bounds: the last is +Inf; not cumulative
  double sum = 0;

  explicit Histogram(std::vector<double> upper_bounds = {});
  void observe(double seconds);
  [[nodiscard]] std::uint64_t total() const;
};

struct ProbeSnapshot {
  std::string name;
  std::string url;
  bool soft = false;
  std::optional<bool> passing;   // after rise and fall; none before the first result
  std::optional<WallTime> since; // since when `passing` holds
  int streak = 0;                // consecutive results that contradict `passing`
  int needed = 0;                // the streak at which `passing` changes: rise or fall; 0: not known
  std::optional<ProbeResult> last;
  std::vector<ProbeResult> recent; // oldest first, without steps; at most 60
  Histogram duration;
  std::map<FailureClass, std::uint64_t> failures;
};

struct OverrideSnapshot {
  std::string kind; // drain, force-open
  WallTime since{};
  std::optional<WallTime> until;
  std::string who;
  std::string reason;
};

struct TransitionSnapshot {
  std::string gate;
  WallTime at{};
  TimePoint mono{};                // the monotonic clock at `at`: places the probes' `started` in wall time
  std::string from, to;            // open, closed, unknown
  std::string reason;              // start, probe, override, flap, stop, reload, foreign-change, lease, ...
  std::string evidence;            // one line
  std::vector<ProbeResult> probes; // the last results that led here, with times
  std::string actor;               // who overrode, which program changed the table
  std::optional<double> revoke_seconds;
  std::optional<double> commit_seconds;
};

struct SourceSnapshot {
  std::string address;
  double seconds_ago = 0; // last SYN
  std::uint64_t packets = 0;
};

struct PeerSnapshot {
  std::string address;
  bool healthy = false; // its gate accepted the last connect from here
  std::string detail;   // of that: "connected", "connection refused"; "" before the first
};

// What new connections to the service's own ports get; of gates with a guard.
struct GuardSnapshot {
  std::string mode; // reset, relay
  std::vector<std::uint16_t> ports;
  std::string service; // serving, draining, dead, hung, starting, unknown
  bool active = false;
  WallTime since{};                     // of `active`
  std::uint64_t reset = 0, relayed = 0; // SYNs, from the kernel's counters
  std::vector<PeerSnapshot> peers;
};

struct GateSnapshot {
  std::string name;
  std::uint16_t port = 0;
  bool wanted_open = false; // the verdict after overrides
  Applied applied = Applied::unknown;
  std::string
      state;        // starting, open, closing, opening, closed, unknown: for people and healthgate_gate_state
  WallTime since{}; // of the last transition
  std::string reason;
  std::string port_problem;                   // "" or why the port is not bound: "held by haproxy (pid 812)"
  std::optional<double> lease_margin_seconds; // smallest remainder at a renewal since the last scrape
  double lease_seconds = 0;
  std::optional<OverrideSnapshot> override_;
  std::optional<WallTime> flap_until;
  std::vector<ProbeSnapshot> probes;
  int require = 0;                                      // how many hard probes must pass; 0: all
  std::uint64_t accepted = 0, rejected = 0, denied = 0; // SYNs, from the kernel's counters
  std::vector<SourceSnapshot> sources;                  // allowed sources, last seen by the kernel; bounded
  std::vector<SourceSnapshot> denied_sources;           // bounded
  std::map<std::pair<std::string, std::string>, std::uint64_t> transitions; // (to, reason) -> count
  std::vector<TransitionSnapshot> history;                                  // newest first, bounded
  std::vector<std::string> allow;                                           // first few of the allowlist
  std::uint64_t allow_size = 0;
  std::optional<GuardSnapshot> guard;
};

struct Snapshot {
  std::string version;
  std::string node;
  WallTime at{};
  TimePoint mono{}; // the monotonic clock at `at`: places ProbeResult::started in wall time
  WallTime started{};
  bool in_sync = false;
  std::uint64_t repairs = 0;
  std::string table_mode;   // owner+persist, owner, plain
  std::string last_foreign; // the last foreign change, with its writer
  bool last_reload_ok = true;
  std::string last_reload_error; // first sentence of why not, "" when it went well
  WallTime last_reload{};
  Histogram close_seconds;
  Histogram commit_seconds;
  Duration loop_age{}; // since the deciding thread last made progress
  std::vector<GateSnapshot> gates;
};

} // namespace healthgate::core
