// What a guard that relays needs of the host: to forward, a way to each peer that answers come back by, and a
// peer that takes connections.
#include "app/doctor/checks.hpp"
#include "app/own_addresses.hpp"
#include "nft/route.hpp"

#include <algorithm>
#include <fstream>
#include <system_error>

namespace healthgate::app::doctor {
namespace {

bool is_on(const char* path) {
  std::ifstream file(path);
  int value = 0;
  return file >> value && value != 0;
}

void check_forwarding(const std::string& gate, core::Family family, Findings& findings) {
  const bool v4 = family == core::Family::ipv4;
  const std::string key = v4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding";
  if (is_on(v4 ? "/proc/sys/net/ipv4/ip_forward" : "/proc/sys/net/ipv6/conf/all/forwarding")) {
    return;
  }
  findings.push_back({Severity::error, "", gate,
                      "connections that the guard relays are dropped: this host does not forward " +
                          std::string(v4 ? "IPv4" : "IPv6"),
                      key + " = 0", "sysctl -w " + key + "=1", "the same key in /etc/sysctl.d/"});
}

int rp_filter_of(const std::string& interface) {
  int strictest = 0;
  for (const auto& name : {std::string("all"), interface}) {
    std::ifstream file("/proc/sys/net/ipv4/conf/" + name + "/rp_filter");
    int value = 0;
    if (file >> value) {
      strictest = std::max(strictest, value);
    }
  }
  return strictest;
}

void check_way(const std::string& gate, const core::Address& peer, nft::RouteReader& reader,
               Findings& findings) {
  const bool v4 = peer.family == core::Family::ipv4;
  const nft::Route route = reader.to(peer);
  if (route.error != 0) {
    findings.push_back({Severity::error, "", gate, "no route leads to the peer " + peer.to_string(),
                        "RTM_GETROUTE: " + std::generic_category().message(route.error),
                        (v4 ? "ip route add " : "ip -6 route add ") + peer.to_string() + " via GATEWAY",
                        "the same in the host's network configuration"});
  } else if (route.link.name == "lo") {
    findings.push_back({Severity::error, "", gate,
                        "the peer " + peer.to_string() + " is reached by loopback: it is no other node",
                        "RTM_GETROUTE: dev lo", "take it out of peers", ""});
  } else if (v4 && rp_filter_of(route.link.name) == 1) {
    findings.push_back(
        {Severity::note, "", gate,
         "answers of the peer " + peer.to_string() + " must come in by " + route.link.name +
             ", the way to it, because rp_filter is strict there",
         "net.ipv4.conf." + route.link.name + ".rp_filter = 1 (or conf.all)",
         "sysctl -w net.ipv4.conf." + route.link.name + ".rp_filter=2, if they come another way",
         "the same key in /etc/sysctl.d/"});
  }
}

// What the daemon has seen of its peers; also of those that are given by name.
void check_health(const core::GateSnapshot& gate, Findings& findings) {
  const auto& peers = gate.guard->peers;
  const bool any = std::any_of(peers.begin(), peers.end(), [](const auto& peer) { return peer.healthy; });
  if (any) {
    return;
  }
  std::string seen;
  for (const auto& peer : peers) {
    seen += (seen.empty() ? "" : ", ") + peer.address + ": " +
            (peer.detail.empty() ? "not asked yet" : peer.detail);
  }
  findings.push_back({Severity::warning, "", gate.name,
                      "no peer takes connections over: the guard would reset instead of relaying",
                      seen.empty() ? "the names of peers have no address but this host's own" : seen,
                      "let this node's address ask the peers' gates on port " + std::to_string(gate.port) +
                          " (peers = or allow = there), and see `healthgate status` there",
                      ""});
}

} // namespace

void check_relay(const Subject& subject, Findings& findings) {
  nft::RouteReader reader;
  for (const auto& gate : subject.config.gates) {
    if (gate.guard != config::Guard::relay) {
      continue;
    }
    const auto peers = without_own(gate.peers);
    for (const auto family : {core::Family::ipv4, core::Family::ipv6}) {
      const bool used =
          std::any_of(peers.begin(), peers.end(), [&](const auto& peer) { return peer.family == family; });
      if (used || (family == core::Family::ipv4 && !gate.peer_names.empty())) {
        check_forwarding(gate.name, family, findings);
      }
    }
    for (const auto& peer : peers) {
      check_way(gate.name, peer, reader, findings);
    }
  }
  if (subject.daemon.snapshot) {
    for (const auto& gate : subject.daemon.snapshot->gates) {
      if (gate.guard && gate.guard->mode == "relay") {
        check_health(gate, findings);
      }
    }
  }
}

} // namespace healthgate::app::doctor
