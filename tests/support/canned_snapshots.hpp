// Snapshots of a daemon in each state that a person may meet, for the tests of observe/ and for photographs
// of the page. Always the same: the time is 2026-11-23 02:05:42.123 UTC, and no number is random.
#pragma once

#include "core/snapshot.hpp"

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace healthgate::tests {

using namespace std::chrono_literals;
using core::GateSnapshot;
using core::GuardSnapshot;
using core::ProbeResult;
using core::ProbeSnapshot;
using core::Snapshot;

inline constexpr core::WallTime canned_now{std::chrono::milliseconds(1795399542123)};
inline constexpr core::TimePoint canned_mono{std::chrono::hours(200)};

inline ProbeResult passed(core::Duration ago, core::Duration took = 3200us, std::string detail = "HTTP 200") {
  ProbeResult result;
  result.passed = true;
  result.detail = std::move(detail);
  result.answered_by = "127.0.0.1";
  result.started = canned_mono - ago;
  result.took = took;
  return result;
}

inline ProbeResult failed(core::Duration ago, core::FailureClass failure, std::string detail,
                          core::Duration took = 4100us) {
  auto result = passed(ago, took, std::move(detail));
  result.passed = false;
  result.failure = failure;
  return result;
}

// A probe every second; '+' passed, '-' HTTP 503, 'r' refused, 't' timed out; the last letter is the newest.
inline ProbeSnapshot probe(std::string name, std::string url, const std::string& results, bool passing) {
  ProbeSnapshot snapshot;
  snapshot.name = std::move(name);
  snapshot.url = std::move(url);
  snapshot.passing = passing;
  snapshot.since = canned_now - 4h - 12min;
  snapshot.needed = 2;
  snapshot.duration = core::Histogram({0.001, 0.005, 0.025, 0.1, 0.5});
  for (std::size_t index = 0; index < results.size(); ++index) {
    const auto ago = std::chrono::seconds(results.size() - index) - 600ms;
    const auto took = std::chrono::microseconds(2600 + (index * 7919) % 1700);
    switch (results[index]) {
    case '-':
      snapshot.recent.push_back(failed(ago, core::FailureClass::status, "HTTP 503", took));
      break;
    case 'r':
      snapshot.recent.push_back(failed(ago, core::FailureClass::refused, "connection refused", 90us));
      break;
    case 't':
      snapshot.recent.push_back(failed(ago, core::FailureClass::timeout, "no answer within 500ms", 500ms));
      break;
    default:
      snapshot.recent.push_back(passed(ago, took));
    }
    const auto& result = snapshot.recent.back();
    snapshot.duration.observe(std::chrono::duration<double>(result.took).count());
    if (!result.passed) {
      ++snapshot.failures[result.failure];
    }
    snapshot.streak = result.passed == passing ? 0 : snapshot.streak + 1;
  }
  if (!snapshot.recent.empty()) {
    snapshot.last = snapshot.recent.back();
  }
  return snapshot;
}

inline core::TransitionSnapshot transition(core::Duration ago, const std::string& to, std::string reason,
                                           std::string evidence, std::string actor = "") {
  core::TransitionSnapshot moved;
  moved.gate = "router";
  moved.at = canned_now - ago;
  moved.mono = canned_mono - ago;
  moved.from = to == "open" ? "closed" : "open";
  moved.to = to;
  moved.reason = std::move(reason);
  moved.evidence = std::move(evidence);
  moved.actor = std::move(actor);
  if (to == "closed") {
    moved.revoke_seconds = 0.0000041;
  }
  moved.commit_seconds = 0.00321;
  moved.probes = {passed(ago + 1s), passed(ago)};
  return moved;
}

inline GateSnapshot open_gate(std::string name = "router", std::uint16_t port = 18898) {
  GateSnapshot gate;
  gate.name = std::move(name);
  gate.port = port;
  gate.wanted_open = true;
  gate.applied = core::Applied::open;
  gate.state = "open";
  gate.since = canned_now - 4h - 12min;
  gate.reason = "http://localhost:1936/healthz/ready passed 2 times: HTTP 200";
  gate.lease_seconds = 3;
  gate.lease_margin_seconds = 1.986;
  gate.probes = {probe("http://localhost:1936/healthz/ready", "http://localhost:1936/healthz/ready",
                       std::string(60, '+'), true)};
  gate.accepted = 90210;
  gate.rejected = 412;
  gate.denied = 3;
  gate.sources = {{"192.168.99.10", 0.8, 45105}, {"2001:db8:10::5", 1.4, 45105}};
  gate.denied_sources = {{"192.168.99.77", 93, 3}};
  gate.transitions = {{{"open", "probe"}, 3}, {{"closed", "probe"}, 2}};
  gate.history = {
      transition(4h + 12min, "open", "probe", "http://localhost:1936/healthz/ready passed 2 times: HTTP 200"),
      transition(4h + 13min, "closed", "probe",
                 "http://localhost:1936/healthz/ready failed 2 times: HTTP 503"),
      transition(50h, "open", "auto", "auto by anna: rack is back", "anna (uid 1000)")};
  gate.allow = {"192.168.99.10", "2001:db8:10::/64"};
  gate.allow_size = 2;
  return gate;
}

inline GateSnapshot closed_gate(std::string name = "router", std::uint16_t port = 18898) {
  auto gate = open_gate(std::move(name), port);
  gate.wanted_open = false;
  gate.applied = core::Applied::closed;
  gate.state = "closed";
  gate.since = canned_now - 42s;
  gate.reason = "http://localhost:1936/healthz/ready failed 2 times: HTTP 503";
  gate.lease_margin_seconds.reset();
  gate.probes = {probe("http://localhost:1936/healthz/ready", "http://localhost:1936/healthz/ready",
                       std::string(18, '+') + std::string(42, '-'), false)};
  gate.probes[0].since = gate.since;
  gate.history.insert(gate.history.begin(), transition(42s, "closed", "probe", gate.reason));
  return gate;
}

inline Snapshot snapshot_of(std::vector<GateSnapshot> gates) {
  Snapshot snapshot;
  snapshot.version = "0.1.0";
  snapshot.node = "worker-1.example.net";
  snapshot.at = canned_now;
  snapshot.mono = canned_mono;
  snapshot.started = canned_now - 72h;
  snapshot.in_sync = true;
  snapshot.table_mode = "owner+persist";
  snapshot.last_reload = canned_now - 72h;
  snapshot.close_seconds = core::Histogram({0.000001, 0.00001, 0.0001, 0.001, 0.01});
  snapshot.commit_seconds = core::Histogram({0.001, 0.01, 0.1, 1});
  snapshot.close_seconds.observe(0.0000041);
  snapshot.commit_seconds.observe(0.00321);
  snapshot.gates = std::move(gates);
  return snapshot;
}

// --- the states, by name ---

inline GateSnapshot drained_gate() {
  auto gate = open_gate();
  gate.wanted_open = false;
  gate.applied = core::Applied::closed;
  gate.state = "closed";
  gate.since = canned_now - 11min;
  gate.reason = "drain by anna (uid 1000): kernel update, ticket 4711";
  gate.override_ = core::OverrideSnapshot{"drain", gate.since, canned_now + 19min, "anna (uid 1000)",
                                          "kernel update, ticket 4711"};
  gate.lease_margin_seconds.reset();
  gate.history.insert(gate.history.begin(),
                      transition(11min, "closed", "drain", gate.reason, "anna (uid 1000)"));
  return gate;
}

inline GateSnapshot forced_gate() {
  auto gate = closed_gate();
  gate.wanted_open = true;
  gate.applied = core::Applied::open;
  gate.state = "open";
  gate.since = canned_now - 25s;
  gate.reason = "force-open by root: the health page is broken, traffic is fine";
  gate.override_ = core::OverrideSnapshot{"force-open", gate.since, std::nullopt, "root",
                                          "the health page is broken, traffic is fine"};
  gate.lease_margin_seconds = 1.99;
  gate.history.insert(gate.history.begin(), transition(25s, "open", "force-open", gate.reason, "root"));
  return gate;
}

inline GateSnapshot unknown_gate() {
  auto gate = open_gate();
  gate.applied = core::Applied::unknown;
  gate.state = "unknown";
  gate.reason = "table changed by nft (pid 4242): being put right";
  gate.lease_margin_seconds = 0.31;
  return gate;
}

inline GateSnapshot held_gate() {
  auto gate = closed_gate();
  gate.port_problem = "held by haproxy (pid 812)";
  gate.reason = "held by haproxy (pid 812)";
  gate.probes = {probe("http://localhost:1936/healthz/ready", "http://localhost:1936/healthz/ready",
                       std::string(60, '+'), true)};
  return gate;
}

inline GateSnapshot flapping_gate() {
  auto gate = closed_gate();
  gate.flap_until = canned_now + 38s;
  gate.reason = "6 transitions within 1m: kept closed";
  gate.probes = {probe("http://localhost:1936/healthz/ready", "http://localhost:1936/healthz/ready",
                       "+++--+++--+++--++--++++--+++--+++--++r--++t--+++--+++--+++++", true)};
  for (int index = 1; index < 7; ++index) {
    gate.history.insert(gate.history.begin(),
                        transition(60s - index * 6s, index % 2 == 1 ? "open" : "closed", "probe",
                                   index % 2 == 1 ? "passed 2 times: HTTP 200" : "failed 2 times: HTTP 503"));
  }
  return gate;
}

inline GateSnapshot starting_gate() {
  GateSnapshot gate;
  gate.name = "router";
  gate.port = 18898;
  gate.applied = core::Applied::closed;
  gate.state = "starting";
  gate.since = canned_now - 200ms;
  gate.reason = "not probed yet";
  gate.lease_seconds = 3;
  ProbeSnapshot fresh;
  fresh.name = fresh.url = "http://localhost:1936/healthz/ready";
  gate.probes = {fresh};
  return gate;
}

inline GateSnapshot many_probes_gate() {
  auto gate = open_gate("telemetry", 57400);
  gate.reason = "2 of 3 pass: grpc SERVING";
  gate.require = 2;
  gate.probes = {probe("grpc", "grpc://127.0.0.1:57400/telemetry.Collector", std::string(60, '+'), true),
                 probe("bgp", "tcp://127.0.0.1:179", std::string(55, '+') + "rrrrr", false),
                 probe("disk", "exec:///usr/libexec/healthgate/disk-free", std::string(59, '+') + "t", true)};
  gate.probes[2].soft = true;
  gate.guard = GuardSnapshot{"reset", {80, 443}, "serving", false, canned_now - 1h, 12, 0, {}};
  return gate;
}

// Everything that a hostile or merely long-winded world may put into a text.
inline GateSnapshot hostile_gate() {
  const std::string hostile =
      "</script><script>alert(1)</script>\"'&<img src=x onerror=alert(2)>\\\n\x1b[31m\xff";
  auto gate = closed_gate("a-gate-with-a-name-that-somebody-made-as-long-as-names-may-be-0123", 65535);
  gate.reason = hostile + std::string(300, 'w');
  gate.port_problem = "held by " + hostile;
  gate.probes[0].name = "https://" + std::string(180, 'x') + ".example.net/" + hostile;
  gate.probes[0].url = gate.probes[0].name;
  gate.probes[0].last->detail = hostile;
  gate.override_ = core::OverrideSnapshot{"drain", canned_now - 1min, std::nullopt, hostile, hostile};
  gate.sources = {{hostile, 5, 1}};
  gate.denied_sources = {{hostile, 5, 1}};
  gate.allow = {hostile};
  gate.history[0].evidence = hostile;
  gate.history[0].actor = hostile;
  gate.guard =
      GuardSnapshot{"relay", {80}, "dead", true, canned_now - 1min, 3, 4711, {{hostile, false, hostile}}};
  return gate;
}

inline std::vector<GateSnapshot> sixteen_gates() {
  std::vector<GateSnapshot> gates;
  for (int index = 0; index < 16; ++index) {
    const auto name = "service-" + std::to_string(index + 1);
    const auto port = static_cast<std::uint16_t>(18898 + index);
    gates.push_back(index == 5 || index == 11 ? closed_gate(name, port) : open_gate(name, port));
  }
  return gates;
}

inline std::map<std::string, Snapshot> canned_snapshots() {
  std::map<std::string, Snapshot> all;
  all["open"] = snapshot_of({open_gate()});
  all["closed"] = snapshot_of({closed_gate()});
  all["unknown"] = snapshot_of({unknown_gate()});
  all["unknown"].in_sync = false;
  all["unknown"].repairs = 4;
  all["unknown"].last_foreign = "nft (pid 4242) deleted the table at 02:05:41";
  all["drained"] = snapshot_of({drained_gate()});
  all["force-open"] = snapshot_of({forced_gate()});
  all["port-held"] = snapshot_of({held_gate()});
  all["flap"] = snapshot_of({flapping_gate()});
  all["starting"] = snapshot_of({starting_gate()});
  all["mixed"] = snapshot_of({closed_gate(), many_probes_gate(), open_gate("snmp-traps", 18162)});
  all["hostile"] = snapshot_of({hostile_gate()});
  all["sixteen"] = snapshot_of(sixteen_gates());
  all["reload-refused"] = snapshot_of({open_gate()});
  all["reload-refused"].last_reload_ok = false;
  all["reload-refused"].last_reload = canned_now - 3min;
  all["reload-refused"].last_reload_error =
      "/etc/healthgate/healthgate.conf:12: interval = 1x: not a duration; write 250ms, 2s or 5m";
  all["stalled"] = snapshot_of({open_gate()});
  all["stalled"].loop_age = 8s;
  return all;
}

} // namespace healthgate::tests
