#include "config/validate.hpp"

#include "config/values.hpp"

#include <algorithm>

namespace healthgate::config {
namespace {

std::string section_of(const GateConfig& gate) {
  return "gate." + gate.name;
}

// Of a gate `a`, nft knows the chains `a` and `a_gate`.
void judge_names(const Assembly& assembly, Ledger& ledger) {
  for (const GateConfig& gate : assembly.gates) {
    for (const GateConfig& other : assembly.gates) {
      if (gate.name == other.name + "_gate") {
        ledger.refuse(section_of(gate), {},
                      "the nftables table has a chain of this name for gate " + other.name +
                          "; choose another name");
      }
    }
  }
}

void judge_essentials(const GateConfig& gate, Ledger& ledger) {
  const std::string section = section_of(gate);
  if (gate.port == 0) {
    ledger.refuse(section, {"port"}, "the gate has no port; set it, as port = 18898");
  }
  if (gate.probe_lines.empty()) {
    ledger.refuse(section, {"probe"}, "the gate has no probe, so nothing would ever open it");
    return;
  }
  if (gate.probes.size() != gate.probe_lines.size()) {
    return; // one of them was refused: how many count is not known
  }
  const auto hard =
      std::count_if(gate.probes.begin(), gate.probes.end(), [](const auto& probe) { return !probe.soft; });
  if (hard == 0) {
    ledger.refuse(
        section, {"probe"},
        "all probes of the gate are soft; soft ones count only while another one passes, so at least one "
        "must not be soft");
  } else if (gate.require > hard) {
    ledger.refuse(section, {"require"},
                  "the gate has only " + std::to_string(hard) + (hard == 1 ? " probe" : " probes") +
                      " that are not soft, so it would never open; allowed: all, any or a number up to " +
                      std::to_string(hard));
  }
}

void judge_lease(const GateConfig& gate, const std::string& key, milliseconds interval, Ledger& ledger,
                 const std::string& of) {
  if (gate.lease < 2 * interval) {
    ledger.refuse(section_of(gate), {"lease", key},
                  "the lease of " + format_duration(gate.lease) + " is shorter than two " + key + "s" + of +
                      " (" + format_duration(interval) +
                      "), so that one late probe would close the gate; set lease = " +
                      format_duration(2 * interval) + " at least");
  }
}

void judge_tempo(const GateConfig& gate, Ledger& ledger) {
  const std::string section = section_of(gate);
  if (gate.timeout >= gate.interval) {
    ledger.refuse(section, {"timeout", "interval"},
                  "the timeout of " + format_duration(gate.timeout) + " must be below the interval of " +
                      format_duration(gate.interval) +
                      ", so that a probe has ended when the next one is due");
  }
  if (gate.fast_interval > gate.interval) {
    ledger.refuse(section, {"fast-interval", "interval"},
                  "the fast-interval of " + format_duration(gate.fast_interval) +
                      " must not be above the interval of " + format_duration(gate.interval));
  }
  judge_lease(gate, "interval", gate.interval, ledger, "");
  if (gate.down_interval) { // a gate that is forced open lives on it
    judge_lease(gate, "down-interval", *gate.down_interval, ledger, "");
  }
}

// The tempo of a probe section together with that of the gate that uses it.
void judge_probe_tempo(const GateConfig& gate, const ProbeConfig& probe, Ledger& ledger) {
  if (!probe.interval && !probe.timeout) {
    return;
  }
  const milliseconds interval = probe.interval.value_or(gate.interval);
  const milliseconds timeout = probe.timeout.value_or(gate.timeout);
  if (timeout >= interval) {
    const auto whose = [&](bool own) { return own ? std::string() : " of gate " + gate.name; };
    ledger.refuse("probe." + probe.name, {"timeout", "interval"},
                  "the timeout of " + format_duration(timeout) + whose(probe.timeout.has_value()) +
                      " must be below the interval of " + format_duration(interval) +
                      whose(probe.interval.has_value()) +
                      ", so that a probe has ended when the next one is due");
  }
  if (probe.interval) {
    judge_lease(gate, "interval", *probe.interval, ledger, " of probe " + probe.name);
  }
}

bool is_host_address(const core::Address& address) {
  const bool v4 = address.family == core::Family::ipv4;
  const auto first = address.bytes[0];
  const bool zero =
      std::all_of(address.bytes.begin(), address.bytes.end(), [](auto byte) { return byte == 0; });
  const bool multicast = v4 ? first >= 224 : first == 0xFF;
  return !zero && !multicast && !is_loopback(address.to_string());
}

void judge_guard(const GateConfig& gate, Ledger& ledger) {
  const std::string section = section_of(gate);
  if (gate.guard != Guard::off && gate.guard_ports.empty()) {
    ledger.refuse(section, {"guard-ports", "guard"},
                  "a guard needs guard-ports: the service's own ports, as guard-ports = 80, 443");
  }
  if (gate.guard == Guard::relay && gate.peers.empty() && gate.peer_names.empty()) {
    ledger.refuse(section, {"peers", "guard"},
                  "relay needs peers: the other nodes, as peers = 192.0.2.24, 192.0.2.25");
  }
  for (const core::Address& peer : gate.peers) {
    if (!is_host_address(peer)) {
      ledger.refuse(section, {"peers"}, peer.to_string() + " is no address of another node");
    }
  }
}

void note_allowlist(const GateConfig& gate, Ledger& ledger) {
  const std::string place = ledger.place(section_of(gate), "allow");
  if (gate.allow->empty()) {
    ledger.note(place + ": gate " + gate.name +
                ": allow is empty, so only loopback is let in; name the load " +
                "balancer's addresses, as allow = 192.0.2.10");
  }
  const auto everyone = [](const std::vector<core::Cidr>& cidrs) {
    return !cidrs.empty() && cidrs[0].prefix == 0;
  };
  if (everyone(gate.allow->v4()) || everyone(gate.allow->v6())) {
    ledger.note(place + ": gate " + gate.name + ": everyone is allowed to ask");
  }
}

} // namespace

void validate_gates(const Assembly& assembly, Ledger& ledger) {
  judge_names(assembly, ledger);
  for (const GateConfig& gate : assembly.gates) {
    judge_essentials(gate, ledger);
    judge_tempo(gate, ledger);
    for (const ProbeConfig& probe : gate.probes) {
      judge_probe_tempo(gate, probe, ledger);
    }
    judge_guard(gate, ledger);
    note_allowlist(gate, ledger);
  }
}

} // namespace healthgate::config
