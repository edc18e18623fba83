#include "observe/metrics.hpp"

namespace healthgate::observe {

const std::vector<Metric>& all_metrics() {
  using enum MetricType;
  static const std::vector<Metric> metrics = {
      {"healthgate_gate_open",
       gauge,
       {"gate"},
       "1 while the kernel is known to let the load balancer in, else 0."},
      {"healthgate_gate_state",
       gauge,
       {"gate", "state"},
       "1 for the state the gate is in, 0 for the others."},
      {"healthgate_gate_port_bound",
       gauge,
       {"gate"},
       "0 while the gate's port cannot be bound, as when somebody else holds it."},
      {"healthgate_gate_flap_held",
       gauge,
       {"gate"},
       "1 while a healthy gate is kept closed because it moved too often."},
      {"healthgate_gate_guard_active",
       gauge,
       {"gate"},
       "1 while new connections to the service's own ports are turned away; of gates with a guard."},
      {"healthgate_probe_success",
       gauge,
       {"gate", "probe"},
       "1 when the last run of the probe passed, 0 when it failed; absent before the first."},
      {"healthgate_probe_passing",
       gauge,
       {"gate", "probe"},
       "What the gate holds of the probe after rise and fall; absent before the first result."},
      {"healthgate_probe_duration_seconds",
       histogram,
       {"gate", "probe"},
       "Time that a probe took, failed ones included."},
      {"healthgate_probe_failures_total",
       counter,
       {"gate", "probe", "class"},
       "Failed probes by the reason of the failure."},
      {"healthgate_transitions_total", counter, {"gate", "to", "reason"}, "Changes of verdict."},
      {"healthgate_last_transition_timestamp_seconds",
       gauge,
       {"gate"},
       "When the verdict last changed, in seconds since 1970."},
      {"healthgate_close_seconds",
       histogram,
       {},
       "From the decision to close until the kernel had revoked the lease."},
      {"healthgate_commit_seconds",
       histogram,
       {},
       "Time that a transaction of the table took, waiting for the commit lock included."},
      {"healthgate_lease_seconds",
       gauge,
       {"gate"},
       "For how long the kernel keeps the gate open without hearing from the daemon."},
      {"healthgate_lease_margin_seconds",
       gauge,
       {"gate"},
       "The least that was left of the lease when it was renewed, since the last scrape."},
      {"healthgate_packets_total",
       counter,
       {"gate", "verdict"},
       "First packets of connections to the gate, counted by the kernel."},
      {"healthgate_lb_last_seen_seconds",
       gauge,
       {"gate", "source"},
       "Seconds since an allowed source last asked, known to the kernel; bounded."},
      {"healthgate_override_active",
       gauge,
       {"gate", "kind"},
       "1 while an administrator's drain or force-open is in force."},
      {"healthgate_ruleset_repairs_total",
       counter,
       {},
       "Times that the table was put right after somebody else's change."},
      {"healthgate_ruleset_in_sync",
       gauge,
       {},
       "1 while the kernel's table is known to be what the daemon wants."},
      {"healthgate_config_last_reload_successful",
       gauge,
       {},
       "1 when the last reload was taken, 0 when it was refused and the old configuration stays."},
      {"healthgate_config_last_reload_timestamp_seconds",
       gauge,
       {},
       "When the configuration was last read, taken or not, in seconds since 1970."},
      {"healthgate_loop_stalled_seconds",
       gauge,
       {},
       "For how long the deciding thread had not looked for events."},
      {"healthgate_build_info", gauge, {"version"}, "Always 1; says what is running."},
      {"process_cpu_seconds_total", counter, {}, "Processor time spent, user and system."},
      {"process_open_fds", gauge, {}, "Open file descriptors."},
      {"process_max_fds", gauge, {}, "Most file descriptors that may be open."},
      {"process_virtual_memory_bytes", gauge, {}, "Virtual memory."},
      {"process_resident_memory_bytes", gauge, {}, "Resident memory."},
      {"process_start_time_seconds", gauge, {}, "When the process started, in seconds since 1970."},
      {"router_health_status",
       gauge,
       {"gate"},
       "The first prototype's name: 1 while the gate's probes hold the service for healthy, whatever an "
       "override says."},
      {"check_latency_ms",
       gauge,
       {"gate"},
       "The first prototype's name: how long the slowest of the gate's last probes took, in milliseconds."},
  };
  return metrics;
}

std::string_view to_string(MetricType type) {
  switch (type) {
  case MetricType::gauge:
    return "gauge";
  case MetricType::counter:
    return "counter";
  case MetricType::histogram:
    return "histogram";
  }
  return "untyped";
}

} // namespace healthgate::observe
