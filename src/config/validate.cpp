#include "config/validate.hpp"

#include "config/url.hpp"

#include <algorithm>
#include <map>

namespace healthgate::config {
namespace {

std::string section_of(const GateConfig& gate) {
  return "gate." + gate.name;
}

// One port that this daemon listens on.
struct Claim {
  std::uint16_t port;
  std::string section;
  std::string key;
  std::string owner; // "gate router"
};

std::vector<Claim> claims(const Assembly& assembly) {
  std::vector<Claim> out;
  const auto& metrics = assembly.config.metrics_listen;
  if (metrics) {
    out.push_back({metrics->port, "", "metrics-listen", "metrics-listen"});
  }
  for (const GateConfig& gate : assembly.gates) {
    if (gate.port != 0) {
      out.push_back({gate.port, section_of(gate), "port", "gate " + gate.name});
    }
    if (gate.agent_listen) {
      out.push_back(
          {gate.agent_listen->port, section_of(gate), "agent-listen", "agent-listen of gate " + gate.name});
    }
    if (gate.http_listen) {
      out.push_back(
          {gate.http_listen->port, section_of(gate), "http-listen", "http-listen of gate " + gate.name});
    }
  }
  return out;
}

bool any_of_network(Scheme scheme) {
  switch (scheme) {
  case Scheme::http:
  case Scheme::https:
  case Scheme::tcp:
  case Scheme::grpc:
  case Scheme::grpcs:
    return true;
  case Scheme::http_unix:
  case Scheme::exec:
  case Scheme::file:
    return false;
  }
  return false;
}

// A file that two gates would write in turn.
void validate_track_files(const Assembly& assembly, Ledger& ledger) {
  std::map<std::filesystem::path, std::string> writers;
  for (const GateConfig& gate : assembly.gates) {
    if (gate.track_file.empty()) {
      continue;
    }
    const auto [writer, first] = writers.emplace(gate.track_file, gate.name);
    if (!first) {
      ledger.refuse(section_of(gate), {"track-file"}, "gate " + writer->second + " writes this file already");
    }
  }
}

} // namespace

void validate(const Assembly& assembly, Ledger& ledger) {
  validate_globals(assembly, ledger);
  validate_probes(assembly, ledger);
  validate_gates(assembly, ledger);
  validate_ports(assembly, ledger);
  validate_track_files(assembly, ledger);
}

void validate_ports(const Assembly& assembly, Ledger& ledger) {
  std::map<std::uint16_t, Claim> taken;
  for (const Claim& claim : claims(assembly)) {
    const auto [owner, first] = taken.emplace(claim.port, claim);
    if (!first) {
      ledger.refuse(claim.section, {claim.key},
                    "port " + std::to_string(claim.port) + " is taken already by " + owner->second.owner +
                        " (" + ledger.place(owner->second.section, owner->second.key) + ")");
    }
  }
  std::map<std::uint16_t, std::string> guarded;
  for (const GateConfig& gate : assembly.gates) {
    for (const std::uint16_t port : gate.guard_ports) {
      if (const auto owner = taken.find(port); owner != taken.end()) {
        ledger.refuse(section_of(gate), {"guard-ports"},
                      std::to_string(port) + " is the port of " + owner->second.owner +
                          "; guard-ports are those of the service itself, as 80, 443");
      } else if (const auto [other, first] = guarded.emplace(port, gate.name); !first) {
        ledger.refuse(
            section_of(gate), {"guard-ports"},
            std::to_string(port) + " is named twice: " +
                (other->second == gate.name ? "once is enough" : "gate " + other->second + " guards it"));
      }
    }
    for (const ProbeConfig& probe : gate.probes) {
      const auto owner = taken.find(probe.port);
      if (any_of_network(probe.scheme) && is_loopback(probe.host) && owner != taken.end()) {
        ledger.refuse(section_of(gate), {"probe"},
                      probe.url + " asks the port of " + owner->second.owner +
                          " and not the service; a gate would judge itself");
      }
    }
  }
}

void validate_globals(const Assembly& assembly, Ledger& ledger) {
  const Config& config = assembly.config;
  if (config.metrics_cert.empty() != config.metrics_key.empty()) {
    ledger.refuse("", {config.metrics_cert.empty() ? "metrics-key" : "metrics-cert"},
                  "TLS takes both, metrics-cert and metrics-key");
  }
  if (!config.metrics_listen || is_loopback(config.metrics_listen->host)) {
    return;
  }
  const std::string where = ledger.place("", "metrics-listen") + ": metrics-listen leaves loopback";
  if (config.metrics_allow_lines.empty()) {
    ledger.note(where + ", but metrics-allow is empty: only this host is let in");
    return;
  }
  if (config.metrics_cert.empty() && !config.metrics_insecure) {
    ledger.refuse(
        "", {"metrics-listen"},
        std::string("beyond loopback it takes TLS, by metrics-cert and metrics-key, so that ") +
            (config.metrics_token_file.empty() ? "" : "the token and ") +
            "the state of this host cannot be read on the way; or metrics-insecure = yes, where the "
            "network is trusted");
  } else if (config.metrics_token_file.empty()) {
    ledger.note(where + " without a token: whoever is in metrics-allow may read; set metrics-token-file");
  }
}

} // namespace healthgate::config
