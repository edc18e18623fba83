#include "config/lint.hpp"

#include "config/text.hpp"
#include "config/values.hpp"

#include <algorithm>

namespace healthgate::config {
namespace {

using namespace std::chrono_literals;

// The OpenShift router, from its source (pkg/router/metrics/health.go, pkg/cmd/infra/router/template.go).
constexpr std::uint16_t router_health_port = 1936;
constexpr milliseconds router_backend_check =
    2s; // /healthz/ready asks HAProxy through its data plane, this long
constexpr milliseconds router_graceful_delay = 45s; // ROUTER_GRACEFUL_SHUTDOWN_DELAY: serves on after SIGTERM
// A kubelet with the defaults of a probe (periodSeconds 10, failureThreshold 3) restarts the container after
// this.
constexpr milliseconds kubelet_patience = 30s;
// What a load balancer takes to believe a closed port: three checks at 5 s.
constexpr milliseconds balancer_patience = 15s;
// The daemon's own restart by systemd, with room: RestartSec=100ms, start, first pulse.
constexpr milliseconds restart_time = 1s;

// Linux picks the local port of an outgoing connection from here (ip_local_port_range).
constexpr std::uint16_t ephemeral_low = 32768;
constexpr std::uint16_t ephemeral_high = 60999;

milliseconds interval_of(const GateConfig& gate, const ProbeConfig& probe) {
  return probe.interval.value_or(gate.interval);
}
milliseconds timeout_of(const GateConfig& gate, const ProbeConfig& probe) {
  return probe.timeout.value_or(gate.timeout);
}

bool is_http(const ProbeConfig& probe) {
  return probe.scheme == Scheme::http || probe.scheme == Scheme::https;
}

bool is_router_readiness(const ProbeConfig& probe) {
  return is_http(probe) && probe.port == router_health_port && begins_with(probe.target, "/healthz/ready");
}

milliseconds slowest_failure(const GateConfig& gate, const ProbeConfig& probe) {
  const milliseconds timeout = timeout_of(gate, probe);
  const int fall = probe.fall.value_or(gate.fall);
  return interval_of(gate, probe) + timeout + (fall - 1) * std::max(gate.fast_interval, timeout);
}

// Collects the findings of one gate.
class Linter {
public:
  Linter(const GateConfig& gate, std::vector<Finding>& findings) : gate_(gate), findings_(findings) {}

  void judge() {
    for (const ProbeConfig& probe : gate_.probes) {
      judge_router(probe);
      judge_name(probe);
      judge_trust(probe);
    }
    judge_fall();
    judge_lease();
    judge_port();
    judge_relay();
  }

private:
  void add(Severity severity, std::string why, std::string set) {
    findings_.push_back({severity, gate_.name, std::move(why), std::move(set)});
  }

  void judge_router(const ProbeConfig& probe) {
    if (!is_router_readiness(probe)) {
      return;
    }
    if (const milliseconds timeout = timeout_of(gate_, probe); timeout < router_backend_check) {
      add(Severity::note,
          "the timeout of " + format_duration(timeout) + " is below the " +
              format_duration(router_backend_check) +
              " that the OpenShift router gives its own check of HAProxy behind " + probe.url +
              ", so a router that is saturated fails here by timeout before it has an answer of its own",
          "timeout = 2500ms, interval = 3s, lease = 6s; or leave it, where a router that slow shall get no "
          "new clients");
    }
    const milliseconds close = slowest_failure(gate_, probe) + (probe.soft ? gate_.soft_grace : 0ms);
    const std::string takes = "from failure to a closed gate it can take " + format_duration(close) +
                              (probe.soft ? " (soft-grace included)" : "");
    const std::string delay = "the OpenShift router stops serving " + format_duration(router_graceful_delay) +
                              " after it was told to end (ROUTER_GRACEFUL_SHUTDOWN_DELAY)";
    const std::string faster =
        probe.soft ? "a shorter soft-grace" : "a shorter interval or timeout, or a smaller fall";
    if (close >= router_graceful_delay) {
      add(Severity::warning, takes + ", but " + delay + ", so clients are still sent to it then", faster);
    } else if (close + balancer_patience > router_graceful_delay) {
      add(Severity::warning,
          takes + ", and " + delay + ": that leaves the load balancer " +
              format_duration(router_graceful_delay - close) + " to notice, less than three checks at 5s",
          faster);
    }
    if (!probe.soft && close > kubelet_patience) {
      add(Severity::warning,
          takes + ", but a kubelet restarts a router that hangs after about " +
              format_duration(kubelet_patience) +
              " (three liveness checks at 10s): the gate would notice the restart and not the fault",
          faster);
    }
  }

  void judge_name(const ProbeConfig& probe) {
    const bool network = !probe.host.empty() && probe.scheme != Scheme::http_unix;
    if (network && !is_numeric_address(probe.host) && !is_loopback(probe.host)) {
      add(Severity::note,
          "each probe of " + probe.url + " resolves the name " + probe.host +
              ", so a name server that is slow or down closes the gate",
          "the address in the URL, and the name by host = and sni = in a [probe.NAME] section");
    }
  }

  void judge_trust(const ProbeConfig& probe) {
    if (probe.insecure) {
      add(Severity::note,
          "probe " + probe.name +
              " verifies no certificate, so whoever holds the port can answer for the service",
          "ca, or pinned-name");
    }
    if (probe.tls_min == TlsVersion::tls1_0 || probe.tls_min == TlsVersion::tls1_1) {
      add(Severity::note, "probe " + probe.name + " accepts TLS versions that are deprecated (RFC 8996)",
          "tls-min = 1.2");
    }
  }

  void judge_fall() {
    if (gate_.fall == 1) {
      add(Severity::note,
          "a single failed probe closes the gate, be it one lost packet or a pause of the service",
          "fall = 2; with fast-interval = " + format_duration(gate_.fast_interval) + " that costs " +
              format_duration(std::max(gate_.fast_interval, gate_.timeout)) + " at most");
    }
    if (gate_.flap_limit == 1) {
      add(Severity::warning,
          "flap-limit = 1 holds the gate closed after its first transition, which is its opening",
          "flap-limit = 4 or more");
    }
  }

  void judge_lease() {
    if (gate_.lease < restart_time) {
      add(Severity::note,
          "the lease of " + format_duration(gate_.lease) +
              " may run out while the daemon is restarted, which takes some tenths of a second: an upgrade "
              "would "
              "close the gate",
          "lease = 3s");
    }
    if (gate_.lease > kubelet_patience) {
      add(Severity::note,
          "the lease of " + format_duration(gate_.lease) +
              " is how long the gate stays open when the daemon hangs",
          "lease = " + format_duration(std::max<milliseconds>(3s, 2 * gate_.interval)));
    }
  }

  void judge_port() {
    if (gate_.port < 1024) {
      add(Severity::warning,
          "ports below 1024 need CAP_NET_BIND_SERVICE, which healthgate.service does not have, so port " +
              std::to_string(gate_.port) +
              " cannot be bound unless net.ipv4.ip_unprivileged_port_start allows it",
          "a port from 1024 on");
    } else if (gate_.port >= ephemeral_low && gate_.port <= ephemeral_high) {
      add(Severity::note,
          "port " + std::to_string(gate_.port) +
              " lies where Linux takes ports for outgoing connections (ip_local_port_range), so another "
              "program may "
              "hold it when the daemon starts",
          "a port below 32768, or net.ipv4.ip_local_reserved_ports");
    }
  }

  void judge_relay() {
    if (gate_.guard != Guard::relay) {
      return;
    }
    add(Severity::note,
        "relayed connections reach the peer with this node's address as their source (masquerade): logs, "
        "X-Forwarded-For and rules by source see this node, not the client; a PROXY preamble that the load "
        "balancer "
        "sends goes through unchanged and keeps the client's address",
        "the PROXY protocol between load balancer and service, where the client's address matters");
  }

  const GateConfig& gate_;
  std::vector<Finding>& findings_;
};

} // namespace

milliseconds slowest_close(const GateConfig& gate) {
  milliseconds slowest{0};
  for (const ProbeConfig& probe : gate.probes) {
    if (!probe.soft) {
      slowest = std::max(slowest, slowest_failure(gate, probe));
    }
  }
  return slowest;
}

std::vector<Finding> lint(const Config& config) {
  std::vector<Finding> findings;
  for (const GateConfig& gate : config.gates) {
    Linter(gate, findings).judge();
  }
  return findings;
}

} // namespace healthgate::config
