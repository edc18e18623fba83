#include "observe/prometheus.hpp"

#include "observe/exposition.hpp"

#include <algorithm>
#include <array>
#include <set>

namespace healthgate::observe {
namespace {

using core::GateSnapshot;
using core::ProbeSnapshot;
using core::Snapshot;

double seconds_since_1970(core::WallTime when) {
  return std::chrono::duration<double>(when.time_since_epoch()).count();
}

// --- gates ---

void write_states(Exposition& out, const Snapshot& snapshot) {
  out.family("healthgate_gate_open");
  for (const auto& gate : snapshot.gates) {
    out.sample({gate.name}, gate.applied == core::Applied::open);
  }
  constexpr std::array states = {"starting", "open", "closing", "opening", "closed", "unknown"};
  out.family("healthgate_gate_state");
  for (const auto& gate : snapshot.gates) {
    for (const auto* state : states) {
      out.sample({gate.name, state}, gate.state == state);
    }
  }
  out.family("healthgate_gate_port_bound");
  for (const auto& gate : snapshot.gates) {
    out.sample({gate.name}, gate.port_problem.empty());
  }
  out.family("healthgate_gate_flap_held");
  for (const auto& gate : snapshot.gates) {
    out.sample({gate.name}, gate.flap_until.has_value());
  }
}

void write_guards(Exposition& out, const Snapshot& snapshot) {
  constexpr std::array states = {"unknown", "serving", "draining", "dead", "hung", "starting"};
  const auto each = [&](const auto& write) {
    for (const auto& gate : snapshot.gates) {
      if (gate.guard) {
        write(gate.name, *gate.guard);
      }
    }
  };
  out.family("healthgate_guard_active");
  each([&](const std::string& gate, const core::GuardSnapshot& guard) {
    out.sample({gate, guard.mode}, guard.active);
  });
  out.family("healthgate_guard_service_state");
  each([&](const std::string& gate, const core::GuardSnapshot& guard) {
    for (const auto* state : states) {
      out.sample({gate, state}, guard.service == state);
    }
  });
  out.family("healthgate_guard_connections_total");
  each([&](const std::string& gate, const core::GuardSnapshot& guard) {
    out.sample({gate, "reset"}, static_cast<double>(guard.reset));
    out.sample({gate, "relay"}, static_cast<double>(guard.relayed));
  });
  out.family("healthgate_peer_healthy");
  each([&](const std::string& gate, const core::GuardSnapshot& guard) {
    for (const auto& peer : guard.peers) {
      out.sample({gate, peer.address}, peer.healthy);
    }
  });
}

void write_transitions(Exposition& out, const Snapshot& snapshot) {
  out.family("healthgate_transitions_total");
  for (const auto& gate : snapshot.gates) {
    // Those that will come are there from the start: rate() does not see the step from absent to 1.
    auto counts = gate.transitions;
    counts.insert({{{"open", "probe"}, 0}, {{"closed", "probe"}, 0}});
    for (const auto& [key, count] : counts) {
      out.sample({gate.name, key.first, key.second}, static_cast<double>(count));
    }
  }
  out.family("healthgate_last_transition_timestamp_seconds");
  for (const auto& gate : snapshot.gates) {
    if (gate.since != core::WallTime{}) {
      out.sample({gate.name}, seconds_since_1970(gate.since));
    }
  }
}

void write_leases(Exposition& out, const Snapshot& snapshot) {
  out.family("healthgate_lease_seconds");
  for (const auto& gate : snapshot.gates) {
    out.sample({gate.name}, gate.lease_seconds);
  }
  out.family("healthgate_lease_margin_seconds");
  for (const auto& gate : snapshot.gates) {
    if (gate.lease_margin_seconds) {
      out.sample({gate.name}, *gate.lease_margin_seconds);
    }
  }
}

void write_traffic(Exposition& out, const Snapshot& snapshot) {
  out.family("healthgate_packets_total");
  for (const auto& gate : snapshot.gates) {
    out.sample({gate.name, "accepted"}, static_cast<double>(gate.accepted));
    out.sample({gate.name, "rejected"}, static_cast<double>(gate.rejected));
    out.sample({gate.name, "denied"}, static_cast<double>(gate.denied));
  }
  out.family("healthgate_lb_last_seen_seconds");
  for (const auto& gate : snapshot.gates) {
    for (const auto& source : gate.sources) {
      out.sample({gate.name, source.address}, source.seconds_ago);
    }
  }
  out.family("healthgate_override_active");
  for (const auto& gate : snapshot.gates) {
    for (const auto* kind : {"drain", "force-open"}) {
      out.sample({gate.name, kind}, gate.override_ && gate.override_->kind == kind);
    }
  }
}

// --- probes ---

// Two probes of one gate may have the same name, being the same URL twice; a scraper refuses the same series
// twice, so the second is called "NAME #2".
struct NamedProbe {
  const GateSnapshot* gate;
  const ProbeSnapshot* probe;
  std::string name;
};

std::vector<NamedProbe> named_probes(const Snapshot& snapshot) {
  std::vector<NamedProbe> probes;
  for (const auto& gate : snapshot.gates) {
    std::set<std::string> taken;
    for (const auto& probe : gate.probes) {
      auto name = probe.name;
      for (int number = 2; !taken.insert(name).second; ++number) {
        name = probe.name + " #" + std::to_string(number);
      }
      probes.push_back({&gate, &probe, std::move(name)});
    }
  }
  return probes;
}

void write_probes(Exposition& out, const Snapshot& snapshot) {
  using core::FailureClass;
  const auto probes = named_probes(snapshot);
  out.family("healthgate_probe_success");
  for (const auto& [gate, probe, name] : probes) {
    if (probe->last) {
      out.sample({gate->name, name}, probe->last->passed);
    }
  }
  out.family("healthgate_probe_passing");
  for (const auto& [gate, probe, name] : probes) {
    if (probe->passing) {
      out.sample({gate->name, name}, *probe->passing);
    }
  }
  out.family("healthgate_probe_duration_seconds");
  for (const auto& [gate, probe, name] : probes) {
    out.sample({gate->name, name}, probe->duration);
  }
  out.family("healthgate_probe_failures_total");
  for (const auto& [gate, probe, name] : probes) {
    for (const auto failure : {FailureClass::timeout, FailureClass::refused, FailureClass::reset,
                               FailureClass::dns, FailureClass::tls, FailureClass::status,
                               FailureClass::mismatch, FailureClass::protocol, FailureClass::exec}) {
      const auto found = probe->failures.find(failure);
      out.sample({gate->name, name, core::to_string(failure)},
                 found == probe->failures.end() ? 0.0 : static_cast<double>(found->second));
    }
  }
}

// --- the names of the first prototype, which probed one URL a gate ---

bool healthy(const GateSnapshot& gate) {
  const auto hard =
      std::count_if(gate.probes.begin(), gate.probes.end(), [](const auto& probe) { return !probe.soft; });
  const auto passing = std::count_if(gate.probes.begin(), gate.probes.end(), [](const auto& probe) {
    return !probe.soft && probe.passing.value_or(false);
  });
  return passing > 0 && passing >= (gate.require == 0 ? hard : gate.require);
}

void write_prototype(Exposition& out, const Snapshot& snapshot) {
  out.family("router_health_status");
  for (const auto& gate : snapshot.gates) {
    out.sample({gate.name}, healthy(gate));
  }
  out.family("check_latency_ms");
  for (const auto& gate : snapshot.gates) {
    std::optional<core::Duration> slowest;
    for (const auto& probe : gate.probes) {
      if (probe.last) {
        slowest = std::max(slowest.value_or(core::Duration{}), probe.last->took);
      }
    }
    if (slowest) {
      out.sample({gate.name}, std::chrono::duration<double, std::milli>(*slowest).count());
    }
  }
}

// --- the daemon ---

void write_daemon(Exposition& out, const Snapshot& snapshot) {
  const auto one = [&](std::string_view name, double value) {
    out.family(name);
    out.sample({}, value);
  };
  one("healthgate_ruleset_repairs_total", static_cast<double>(snapshot.repairs));
  one("healthgate_ruleset_in_sync", snapshot.in_sync);
  one("healthgate_config_last_reload_successful", snapshot.last_reload_ok);
  if (snapshot.last_reload != core::WallTime{}) {
    one("healthgate_config_last_reload_timestamp_seconds", seconds_since_1970(snapshot.last_reload));
  }
  one("healthgate_loop_stalled_seconds", std::chrono::duration<double>(snapshot.loop_age).count());
  out.family("healthgate_build_info");
  out.sample({snapshot.version}, 1);
}

void write_process(Exposition& out, const ProcessStats& process) {
  const auto one = [&](std::string_view name, const auto& value) {
    if (value) {
      out.family(name);
      out.sample({}, static_cast<double>(*value));
    }
  };
  one("process_cpu_seconds_total", process.cpu_seconds);
  one("process_open_fds", process.open_fds);
  one("process_max_fds", process.max_fds);
  one("process_virtual_memory_bytes", process.virtual_bytes);
  one("process_resident_memory_bytes", process.resident_bytes);
  one("process_start_time_seconds", process.start_time_seconds);
}

} // namespace

std::string to_prometheus(const Snapshot& snapshot, const ProcessStats& process) {
  Exposition out;
  write_states(out, snapshot);
  write_guards(out, snapshot);
  write_probes(out, snapshot);
  write_transitions(out, snapshot);
  out.family("healthgate_close_seconds");
  out.sample({}, snapshot.close_seconds);
  out.family("healthgate_commit_seconds");
  out.sample({}, snapshot.commit_seconds);
  write_leases(out, snapshot);
  write_traffic(out, snapshot);
  write_daemon(out, snapshot);
  write_process(out, process);
  write_prototype(out, snapshot);
  return out.take();
}

} // namespace healthgate::observe
