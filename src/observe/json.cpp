#include "observe/json.hpp"

#include "base/utc_time.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <ctime>

namespace healthgate::observe {
namespace {

using core::TransitionSnapshot;
using nlohmann::json;

double seconds_of(core::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

core::Duration duration_of(double seconds) {
  return std::chrono::duration_cast<core::Duration>(std::chrono::duration<double>(seconds));
}

json time_or_null(const std::optional<core::WallTime>& when) {
  return when ? json(base::utc_milliseconds(*when)) : json(nullptr);
}

template <typename T> json value_or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

const char* name_of(core::Applied applied) {
  switch (applied) {
  case core::Applied::open:
    return "open";
  case core::Applied::closed:
    return "closed";
  case core::Applied::unknown:
    return "unknown";
  }
  return "unknown";
}

// --- writing ---

// `at` and `mono` tie the two clocks together.
struct Clocks {
  core::WallTime at{};
  core::TimePoint mono{};
};

json write(const core::ProbeResult& result, const Clocks& clocks) {
  json out = {{"passed", result.passed},
              {"class", std::string(core::to_string(result.failure))},
              {"detail", result.detail},
              {"answered_by", result.answered_by},
              {"at", base::utc_milliseconds(clocks.at + (result.started - clocks.mono))},
              {"took_seconds", seconds_of(result.took)}};
  auto steps = json::array();
  for (const auto& step : result.steps) {
    steps.push_back(
        {{"name", step.name}, {"at_seconds", seconds_of(step.at)}, {"detail", step.detail}, {"ok", step.ok}});
  }
  if (!steps.empty()) {
    out["steps"] = std::move(steps);
  }
  return out;
}

json write(const core::Histogram& histogram) {
  return {{"bounds", histogram.bounds}, {"counts", histogram.counts}, {"sum", histogram.sum}};
}

json write(const core::ProbeSnapshot& probe, const Clocks& clocks) {
  auto recent = json::array();
  for (const auto& result : probe.recent) {
    recent.push_back(write(result, clocks));
  }
  auto failures = json::object();
  for (const auto& [failure, count] : probe.failures) {
    failures[std::string(core::to_string(failure))] = count;
  }
  return {{"name", probe.name},
          {"url", probe.url},
          {"soft", probe.soft},
          {"passing", value_or_null(probe.passing)},
          {"since", time_or_null(probe.since)},
          {"streak", probe.streak},
          {"needed", probe.needed},
          {"last", probe.last ? write(*probe.last, clocks) : json(nullptr)},
          {"recent", recent},
          {"duration", write(probe.duration)},
          {"failures", failures}};
}

// By its own clocks: it may be of another boot than the snapshot, or from before a step of the wall clock.
json write(const TransitionSnapshot& transition) {
  const Clocks clocks{transition.at, transition.mono};
  auto probes = json::array();
  for (const auto& result : transition.probes) {
    probes.push_back(write(result, clocks));
  }
  return {{"gate", transition.gate},
          {"at", base::utc_milliseconds(transition.at)},
          {"from", transition.from},
          {"to", transition.to},
          {"reason", transition.reason},
          {"evidence", transition.evidence},
          {"probes", probes},
          {"actor", transition.actor},
          {"revoke_seconds", value_or_null(transition.revoke_seconds)},
          {"commit_seconds", value_or_null(transition.commit_seconds)}};
}

json write(const std::vector<core::SourceSnapshot>& sources) {
  auto list = json::array();
  for (const auto& source : sources) {
    list.push_back(
        {{"address", source.address}, {"seconds_ago", source.seconds_ago}, {"packets", source.packets}});
  }
  return list;
}

json write(const core::GuardSnapshot& guard) {
  auto peers = json::array();
  for (const auto& peer : guard.peers) {
    peers.push_back({{"address", peer.address}, {"healthy", peer.healthy}, {"detail", peer.detail}});
  }
  return {{"mode", guard.mode},
          {"ports", guard.ports},
          {"service", guard.service},
          {"active", guard.active},
          {"since", base::utc_milliseconds(guard.since)},
          {"reset", guard.reset},
          {"relayed", guard.relayed},
          {"peers", std::move(peers)}};
}

json write(const core::GateSnapshot& gate, const Clocks& clocks) {
  json out = {{"name", gate.name},
              {"port", gate.port},
              {"wanted", gate.wanted_open ? "open" : "closed"},
              {"applied", name_of(gate.applied)},
              {"state", gate.state},
              {"since", base::utc_milliseconds(gate.since)},
              {"reason", gate.reason},
              {"port_problem", gate.port_problem},
              {"lease_margin_seconds", value_or_null(gate.lease_margin_seconds)},
              {"lease_seconds", gate.lease_seconds},
              {"override", nullptr},
              {"flap_until", time_or_null(gate.flap_until)},
              {"require", gate.require},
              {"accepted", gate.accepted},
              {"rejected", gate.rejected},
              {"denied", gate.denied},
              {"sources", write(gate.sources)},
              {"denied_sources", write(gate.denied_sources)},
              {"allow", gate.allow},
              {"allow_size", gate.allow_size},
              {"guard", nullptr}};
  if (gate.guard) {
    out["guard"] = write(*gate.guard);
  }
  if (gate.override_) {
    const auto& order = *gate.override_;
    out["override"] = {{"kind", order.kind},
                       {"since", base::utc_milliseconds(order.since)},
                       {"until", time_or_null(order.until)},
                       {"who", order.who},
                       {"reason", order.reason}};
  }
  auto probes = json::array();
  for (const auto& probe : gate.probes) {
    probes.push_back(write(probe, clocks));
  }
  out["probes"] = std::move(probes);
  auto transitions = json::array();
  for (const auto& [key, count] : gate.transitions) {
    transitions.push_back({{"to", key.first}, {"reason", key.second}, {"count", count}});
  }
  out["transitions"] = std::move(transitions);
  auto history = json::array();
  for (const auto& transition : gate.history) {
    history.push_back(write(transition));
  }
  out["history"] = std::move(history);
  return out;
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

// --- reading ---

core::WallTime read_time(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, millis = 0;
  if (std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ", &year, &month, &day, &hour, &minute, &second,
                  &millis) != 7) {
    throw json::other_error::create(599, "'" + text + "' is not a time", nullptr);
  }
  tm parts{};
  parts.tm_year = year - 1900;
  parts.tm_mon = month - 1;
  parts.tm_mday = day;
  parts.tm_hour = hour;
  parts.tm_min = minute;
  parts.tm_sec = second;
  return core::WallTime(std::chrono::seconds(::timegm(&parts)) + std::chrono::milliseconds(millis));
}

template <typename T> T read(const json& object, const char* name, T otherwise) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? otherwise : found->get<T>();
}

std::optional<core::WallTime> read_time(const json& object, const char* name) {
  const auto text = read<std::string>(object, name, "");
  return text.empty() ? std::nullopt : std::optional(read_time(text));
}

template <typename T> std::optional<T> read_optional(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() || found->is_null() ? std::nullopt : std::optional(found->get<T>());
}

core::FailureClass read_class(const std::string& name) {
  using core::FailureClass;
  for (const auto failure : {FailureClass::none, FailureClass::timeout, FailureClass::refused,
                             FailureClass::reset, FailureClass::dns, FailureClass::tls, FailureClass::status,
                             FailureClass::mismatch, FailureClass::protocol, FailureClass::exec}) {
    if (core::to_string(failure) == name) {
      return failure;
    }
  }
  return FailureClass::none;
}

core::ProbeResult read_result(const json& in, const Clocks& clocks) {
  core::ProbeResult result;
  result.passed = read(in, "passed", false);
  result.failure = read_class(read<std::string>(in, "class", ""));
  result.detail = read<std::string>(in, "detail", "");
  result.answered_by = read<std::string>(in, "answered_by", "");
  if (const auto at = read_time(in, "at")) {
    result.started = clocks.mono + (*at - clocks.at);
  }
  result.took = duration_of(read(in, "took_seconds", 0.0));
  for (const auto& step : read(in, "steps", json::array())) {
    result.steps.push_back({read<std::string>(step, "name", ""), duration_of(read(step, "at_seconds", 0.0)),
                            read<std::string>(step, "detail", ""), read(step, "ok", true)});
  }
  return result;
}

std::vector<core::ProbeResult> read_results(const json& in, const char* name, const Clocks& clocks) {
  std::vector<core::ProbeResult> results;
  for (const auto& one : read(in, name, json::array())) {
    results.push_back(read_result(one, clocks));
  }
  return results;
}

core::Histogram read_histogram(const json& in) {
  core::Histogram histogram(read(in, "bounds", std::vector<double>()));
  auto counts = read(in, "counts", std::vector<std::uint64_t>());
  if (counts.size() == histogram.counts.size()) {
    histogram.counts = std::move(counts);
  }
  histogram.sum = read(in, "sum", 0.0);
  return histogram;
}

core::ProbeSnapshot read_probe(const json& in, const Clocks& clocks) {
  core::ProbeSnapshot probe;
  probe.name = read<std::string>(in, "name", "");
  probe.url = read<std::string>(in, "url", "");
  probe.soft = read(in, "soft", false);
  probe.passing = read_optional<bool>(in, "passing");
  probe.since = read_time(in, "since");
  probe.streak = read(in, "streak", 0);
  probe.needed = read(in, "needed", 0);
  if (const auto last = read_optional<json>(in, "last")) {
    probe.last = read_result(*last, clocks);
  }
  probe.recent = read_results(in, "recent", clocks);
  probe.duration = read_histogram(read(in, "duration", json::object()));
  const auto failures = read(in, "failures", json::object()); // items() refers to it
  for (const auto& [name, count] : failures.items()) {
    probe.failures[read_class(name)] = count.get<std::uint64_t>();
  }
  return probe;
}

TransitionSnapshot read_transition(const json& in) {
  TransitionSnapshot transition;
  transition.gate = read<std::string>(in, "gate", "");
  transition.at = read_time(in, "at").value_or(core::WallTime{});
  transition.mono = core::TimePoint(transition.at.time_since_epoch());
  transition.from = read<std::string>(in, "from", "");
  transition.to = read<std::string>(in, "to", "");
  transition.reason = read<std::string>(in, "reason", "");
  transition.evidence = read<std::string>(in, "evidence", "");
  transition.probes = read_results(in, "probes", {transition.at, transition.mono});
  transition.actor = read<std::string>(in, "actor", "");
  transition.revoke_seconds = read_optional<double>(in, "revoke_seconds");
  transition.commit_seconds = read_optional<double>(in, "commit_seconds");
  return transition;
}

std::vector<core::SourceSnapshot> read_sources(const json& in) {
  std::vector<core::SourceSnapshot> sources;
  for (const auto& one : in) {
    sources.push_back({read<std::string>(one, "address", ""), read(one, "seconds_ago", 0.0),
                       read<std::uint64_t>(one, "packets", 0)});
  }
  return sources;
}

core::Applied read_applied(const std::string& name) {
  return name == "open"     ? core::Applied::open
         : name == "closed" ? core::Applied::closed
                            : core::Applied::unknown;
}

core::GuardSnapshot read_guard(const json& in) {
  core::GuardSnapshot guard;
  guard.mode = read<std::string>(in, "mode", "");
  guard.ports = read(in, "ports", std::vector<std::uint16_t>());
  guard.service = read<std::string>(in, "service", "unknown");
  guard.active = read(in, "active", false);
  guard.since = read_time(in, "since").value_or(core::WallTime{});
  guard.reset = read<std::uint64_t>(in, "reset", 0);
  guard.relayed = read<std::uint64_t>(in, "relayed", 0);
  for (const auto& peer : read(in, "peers", json::array())) {
    guard.peers.push_back({read<std::string>(peer, "address", ""), read(peer, "healthy", false),
                           read<std::string>(peer, "detail", "")});
  }
  return guard;
}

core::GateSnapshot read_gate(const json& in, const Clocks& clocks) {
  core::GateSnapshot gate;
  gate.name = read<std::string>(in, "name", "");
  gate.port = read<std::uint16_t>(in, "port", 0);
  gate.wanted_open = read<std::string>(in, "wanted", "") == "open";
  gate.applied = read_applied(read<std::string>(in, "applied", ""));
  gate.state = read<std::string>(in, "state", "unknown");
  gate.since = read_time(in, "since").value_or(core::WallTime{});
  gate.reason = read<std::string>(in, "reason", "");
  gate.port_problem = read<std::string>(in, "port_problem", "");
  gate.lease_margin_seconds = read_optional<double>(in, "lease_margin_seconds");
  gate.lease_seconds = read(in, "lease_seconds", 0.0);
  if (const auto order = read_optional<json>(in, "override")) {
    gate.override_ = core::OverrideSnapshot{read<std::string>(*order, "kind", ""),
                                            read_time(*order, "since").value_or(core::WallTime{}),
                                            read_time(*order, "until"), read<std::string>(*order, "who", ""),
                                            read<std::string>(*order, "reason", "")};
  }
  gate.flap_until = read_time(in, "flap_until");
  for (const auto& probe : read(in, "probes", json::array())) {
    gate.probes.push_back(read_probe(probe, clocks));
  }
  gate.require = read(in, "require", 0);
  gate.accepted = read<std::uint64_t>(in, "accepted", 0);
  gate.rejected = read<std::uint64_t>(in, "rejected", 0);
  gate.denied = read<std::uint64_t>(in, "denied", 0);
  gate.sources = read_sources(read(in, "sources", json::array()));
  gate.denied_sources = read_sources(read(in, "denied_sources", json::array()));
  for (const auto& one : read(in, "transitions", json::array())) {
    gate.transitions[{read<std::string>(one, "to", ""), read<std::string>(one, "reason", "")}] =
        read<std::uint64_t>(one, "count", 0);
  }
  for (const auto& one : read(in, "history", json::array())) {
    gate.history.push_back(read_transition(one));
  }
  gate.allow = read(in, "allow", std::vector<std::string>());
  gate.allow_size = read<std::uint64_t>(in, "allow_size", 0);
  if (const auto guard = read_optional<json>(in, "guard")) {
    gate.guard = read_guard(*guard);
  }
  return gate;
}

core::Snapshot read_snapshot(const json& in) {
  core::Snapshot snapshot;
  snapshot.version = read<std::string>(in, "version", "");
  snapshot.node = read<std::string>(in, "node", "");
  snapshot.at = read_time(in, "at").value_or(core::WallTime{});
  snapshot.mono = core::TimePoint(snapshot.at.time_since_epoch()); // one clock is as good as the other here
  snapshot.started = read_time(in, "started").value_or(core::WallTime{});
  snapshot.in_sync = read(in, "in_sync", false);
  snapshot.repairs = read<std::uint64_t>(in, "repairs", 0);
  snapshot.table_mode = read<std::string>(in, "table_mode", "");
  snapshot.last_foreign = read<std::string>(in, "last_foreign", "");
  snapshot.last_reload_ok = read(in, "last_reload_ok", true);
  snapshot.last_reload_error = read<std::string>(in, "last_reload_error", "");
  snapshot.last_reload = read_time(in, "last_reload").value_or(core::WallTime{});
  snapshot.close_seconds = read_histogram(read(in, "close_seconds", json::object()));
  snapshot.commit_seconds = read_histogram(read(in, "commit_seconds", json::object()));
  snapshot.loop_age = duration_of(read(in, "loop_age_seconds", 0.0));
  const Clocks clocks{snapshot.at, snapshot.mono};
  for (const auto& gate : read(in, "gates", json::array())) {
    snapshot.gates.push_back(read_gate(gate, clocks));
  }
  return snapshot;
}

} // namespace

std::string to_json(const core::Snapshot& snapshot) {
  const Clocks clocks{snapshot.at, snapshot.mono};
  json out = {{"layout", layout_version},
              {"version", snapshot.version},
              {"node", snapshot.node},
              {"at", base::utc_milliseconds(snapshot.at)},
              {"started", base::utc_milliseconds(snapshot.started)},
              {"in_sync", snapshot.in_sync},
              {"repairs", snapshot.repairs},
              {"table_mode", snapshot.table_mode},
              {"last_foreign", snapshot.last_foreign},
              {"last_reload_ok", snapshot.last_reload_ok},
              {"last_reload_error", snapshot.last_reload_error},
              {"last_reload", base::utc_milliseconds(snapshot.last_reload)},
              {"close_seconds", write(snapshot.close_seconds)},
              {"commit_seconds", write(snapshot.commit_seconds)},
              {"loop_age_seconds", seconds_of(snapshot.loop_age)}};
  auto gates = json::array();
  for (const auto& gate : snapshot.gates) {
    gates.push_back(write(gate, clocks));
  }
  out["gates"] = std::move(gates);
  return dump(out);
}

std::string to_json(const TransitionSnapshot& transition) {
  return dump(write(transition));
}

base::Result<core::Snapshot, std::string> snapshot_from_json(std::string_view text) {
  try {
    return read_snapshot(json::parse(text));
  } catch (const json::exception& problem) {
    return base::Failure<std::string>{std::string("not a status: ") + problem.what()};
  }
}

base::Result<TransitionSnapshot, std::string> transition_from_json(std::string_view text) {
  try {
    const auto transition = json::parse(text);
    for (const char* needed : {"gate", "at", "to"}) {
      (void)transition.at(needed); // throws
    }
    return read_transition(transition);
  } catch (const json::exception& problem) {
    return base::Failure<std::string>{std::string("not a transition: ") + problem.what()};
  }
}

} // namespace healthgate::observe
