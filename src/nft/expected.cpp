#include "nft/expected.hpp"

#include "nft/kernel_abi.hpp"
#include "nft/rules.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace healthgate::nft {
namespace {

using core::Family;
using std::chrono::milliseconds;

// The lease set's garbage collection; expiry itself needs none, lookups test it (nft-findings, 2.3).
constexpr std::uint32_t lease_gc_interval_ms = 1000;
constexpr std::uint32_t lease_limit = 65535;

constexpr Family both_families[] = {Family::ipv4, Family::ipv6};

std::string digit(Family family) {
  return family == Family::ipv4 ? "4" : "6";
}

Set port_set(std::string name) {
  Set set;
  set.name = std::move(name);
  set.key_type = type_inet_service;
  set.key_len = 2;
  set.role = SetRole::fixed;
  return set;
}

Set address_set(std::string name, Family family, std::uint32_t flags) {
  Set set;
  set.name = std::move(name);
  set.flags = flags;
  set.key_type = family == Family::ipv4 ? type_ipv4_addr : type_ipv6_addr;
  set.key_len = family == Family::ipv4 ? 4 : 16;
  return set;
}

Set allow_set(const std::string& owner, Family family, std::shared_ptr<const core::Allowlist> allow) {
  Set set = address_set(owner + "_allow" + digit(family), family, NFT_SET_INTERVAL);
  set.role = SetRole::allow;
  set.allow = std::move(allow);
  return set;
}

Set source_set(std::string name, Family family, std::uint32_t size, milliseconds timeout) {
  Set set = address_set(std::move(name), family, NFT_SET_TIMEOUT | NFT_SET_EVAL);
  set.size = size;
  set.timeout = timeout;
  set.role = SetRole::sources;
  return set;
}

Set lease_set() {
  Set set = port_set("lease");
  set.flags = NFT_SET_TIMEOUT | NFT_SET_EVAL;
  set.size = lease_limit;
  set.timeout = default_lease;
  set.gc_interval_ms = lease_gc_interval_ms;
  set.role = SetRole::lease;
  return set;
}

Set gates_map() {
  Set set = port_set("gates");
  set.flags = NFT_SET_MAP;
  set.data_type = NFT_DATA_VERDICT;
  return set;
}

Object counter(const std::string& owner, std::string_view what) {
  return {owner + "_" + std::string(what), NFT_OBJECT_COUNTER};
}

Element port_element(std::uint16_t port) {
  Element element;
  element.key = port_key(port);
  return element;
}

Element jump_element(std::uint16_t port, const std::string& chain) {
  Element element = port_element(port);
  element.verdict = expr::Verdict{NFT_JUMP, chain};
  return element;
}

Chain input_chain() {
  return {"input", Hook{"filter", NF_INET_LOCAL_IN, -10, NF_ACCEPT}, {dispatch()}};
}

// `leases`: those that differ from the set's own. Their rules come first, because `ports` holds every gate's
// port.
Chain pulse_chain(std::uint64_t nonce, const std::set<milliseconds>& leases) {
  Chain chain{"pulse", Hook{"filter", NF_INET_LOCAL_OUT, -450, NF_ACCEPT}, {}};
  for (const milliseconds lease : leases) {
    chain.rules.push_back(renew(ports_set_name(lease), nonce, lease));
  }
  chain.rules.push_back(renew("ports", nonce, {}));
  chain.rules.push_back(revoke(nonce));
  chain.rules.push_back(revoke_unleased(nonce));
  return chain;
}

Element address_element(const core::Address& address) {
  Element element;
  element.key =
      Bytes(reinterpret_cast<const char*>(address.bytes.data()), address.family == Family::ipv4 ? 4 : 16);
  return element;
}

bool relays(const core::GateRules& gate) {
  return gate.guard.mode == core::GuardMode::relay;
}

// prerouting and postrouting exist only while a gate relays: they switch conntrack on.
void add_relay_hooks(Table& table, const std::vector<core::GateRules>& gates) {
  if (std::none_of(gates.begin(), gates.end(), relays)) {
    return;
  }
  Chain before{"prerouting", Hook{"nat", NF_INET_PRE_ROUTING, -100, NF_ACCEPT}, {}};
  Chain after{"postrouting", Hook{"nat", NF_INET_POST_ROUTING, 100, NF_ACCEPT}, {}};
  for (const core::GateRules& gate : gates) {
    if (relays(gate)) {
      before.rules.push_back(dispatch_relay(gate.name + "_guarded", gate.name + "_relay"));
      for (const Family family : both_families) {
        after.rules.push_back(
            masquerade(family, gate.name + "_guarded", gate.name + "_peers" + digit(family)));
      }
    }
  }
  table.chains.push_back(std::move(before));
  table.chains.push_back(std::move(after));
}

Set fixed_set(Set set, std::vector<Element> elements) {
  set.role = SetRole::fixed;
  set.elements = std::move(elements);
  std::sort(set.elements.begin(), set.elements.end(),
            [](const Element& a, const Element& b) { return a.key < b.key; });
  return set;
}

void add_guard(Table& table, const core::GateRules& gate) {
  if (gate.guard.mode == core::GuardMode::off) {
    return;
  }
  table.objects.push_back(counter(gate.name, "guarded"));
  if (relays(gate)) {
    table.objects.push_back(counter(gate.name, "relayed"));
    std::vector<Element> ports;
    std::transform(gate.guard.ports.begin(), gate.guard.ports.end(), std::back_inserter(ports), port_element);
    table.sets.push_back(fixed_set(port_set(gate.name + "_guarded"), std::move(ports)));
    for (const Family family : both_families) {
      std::vector<Element> peers;
      for (const core::Address& peer : gate.guard.peers) {
        if (peer.family == family) {
          peers.push_back(address_element(peer));
        }
      }
      table.sets.push_back(
          fixed_set(address_set(gate.name + "_peers" + digit(family), family, 0), std::move(peers)));
    }
  }
  for (Chain& chain : guard_chains(gate)) {
    table.chains.push_back(std::move(chain));
  }
}

Chain asking_chain(const core::GateRules& gate) {
  const std::string told = gate.name + "_gate";
  Chain chain{gate.name, {}, {local_goto(told)}};
  for (const Family family : both_families) {
    const std::string allow = gate.name + "_allow" + digit(family);
    chain.rules.push_back(remember_allowed(family, allow, gate.name + "_seen" + digit(family)));
    chain.rules.push_back(allowed_goto(family, allow, told));
  }
  for (const Family family : both_families) {
    chain.rules.push_back(remember_stranger(family, gate.name + "_strangers" + digit(family)));
  }
  chain.rules.push_back(denied(gate.name + "_denied", gate.denied));
  return chain;
}

Chain port_chain(const core::PortRules& port) {
  Chain chain{port.name, {}, {local_accept()}};
  for (const Family family : both_families) {
    chain.rules.push_back(allowed_accept(family, port.name + "_allow" + digit(family)));
  }
  chain.rules.push_back(denied(port.name + "_denied", core::Denied::drop));
  return chain;
}

void add_gate(Table& table, const core::GateRules& gate) {
  for (const std::string_view what : {"accepted", "rejected", "denied"}) {
    table.objects.push_back(counter(gate.name, what));
  }
  for (const Family family : both_families) {
    table.sets.push_back(allow_set(gate.name, family, gate.allow));
  }
  for (const Family family : both_families) {
    table.sets.push_back(source_set(gate.name + "_seen" + digit(family), family, seen_limit, seen_timeout));
  }
  for (const Family family : both_families) {
    const std::string strangers = gate.name + "_strangers" + digit(family);
    table.sets.push_back(source_set(strangers, family, strangers_limit, strangers_timeout));
  }
  table.chains.push_back(asking_chain(gate));
  table.chains.push_back(verdict_chain(gate));
  add_guard(table, gate);
}

void add_port(Table& table, const core::PortRules& port) {
  table.objects.push_back(counter(port.name, "denied"));
  for (const Family family : both_families) {
    table.sets.push_back(allow_set(port.name, family, port.allow));
  }
  table.chains.push_back(port_chain(port));
}

// The sets that name ports: `ports`, one more for each unusual lease, and the map `gates`.
std::vector<Set> port_sets(const core::Ruleset& ruleset, std::set<milliseconds>& leases) {
  Set ports = port_set("ports");
  Set gates = gates_map();
  std::map<milliseconds, Set> unusual;
  for (const core::GateRules& gate : ruleset.gates) {
    gates.elements.push_back(jump_element(gate.port, gate.name));
    if (gate.guard.mode != core::GuardMode::off) {
      for (const std::uint16_t port : gate.guard.ports) {
        gates.elements.push_back(jump_element(port, gate.name + "_guard"));
      }
    }
    for (const std::uint16_t port : leased_ports(gate)) {
      ports.elements.push_back(port_element(port));
      if (gate.lease != default_lease) {
        Set& set = unusual.try_emplace(gate.lease, port_set(ports_set_name(gate.lease))).first->second;
        set.elements.push_back(port_element(port));
        leases.insert(gate.lease);
      }
    }
  }
  for (const core::PortRules& port : ruleset.ports) {
    gates.elements.push_back(jump_element(port.port, port.name));
  }
  std::vector<Set> sets = {std::move(ports)};
  for (auto& [lease, set] : unusual) {
    sets.push_back(std::move(set));
  }
  sets.push_back(lease_set());
  sets.push_back(std::move(gates));
  for (Set& set : sets) {
    std::sort(set.elements.begin(), set.elements.end(),
              [](const Element& a, const Element& b) { return a.key < b.key; });
  }
  return sets;
}

} // namespace

Bytes port_key(std::uint16_t port) {
  return Bytes{static_cast<char>(port >> 8 & 0xff), static_cast<char>(port & 0xff)};
}

std::uint16_t port_of(const Bytes& key) {
  if (key.size() != 2) {
    return 0;
  }
  return static_cast<std::uint16_t>(static_cast<unsigned char>(key[0]) << 8 |
                                    static_cast<unsigned char>(key[1]));
}

std::string ports_set_name(milliseconds lease) {
  return "ports_" + std::to_string(lease.count()) + "ms";
}

std::string table_comment(const core::Ruleset& ruleset) {
  return "healthgate " + core::sanitize_comment(ruleset.version) + "; see healthgate audit";
}

Chain verdict_chain(const core::GateRules& gate) {
  Chain chain{gate.name + "_gate", {}, {}};
  const std::string comment = core::sanitize_comment(gate.comment);
  if (gate.form == core::ChainForm::open) {
    chain.rules.push_back(accept_leased(gate.name + "_accepted", comment));
    chain.rules.push_back(reject(gate.name + "_rejected", expired_comment));
  } else {
    chain.rules.push_back(reject(gate.name + "_rejected", comment));
  }
  return chain;
}

std::vector<std::uint16_t> leased_ports(const core::GateRules& gate) {
  std::vector<std::uint16_t> ports = {gate.port};
  if (gate.guard.mode != core::GuardMode::off) {
    ports.insert(ports.end(), gate.guard.ports.begin(), gate.guard.ports.end());
  }
  return ports;
}

std::vector<Chain> guard_chains(const core::GateRules& gate) {
  std::vector<Chain> chains;
  if (gate.guard.mode == core::GuardMode::off) {
    return chains;
  }
  const std::string comment = core::sanitize_comment(gate.guard.comment);
  chains.push_back(
      {gate.name + "_guard", {}, {local_return(), reject_guarded(gate.name + "_guarded", comment)}});
  if (gate.guard.mode != core::GuardMode::relay) {
    return chains;
  }
  Chain chain{gate.name + "_relay", {}, {local_return(), return_unleased(), return_passing_by()}};
  for (const Family family : both_families) {
    chain.rules.push_back(return_relayed(family, gate.name + "_peers" + digit(family)));
  }
  for (const Family family : both_families) {
    std::vector<core::Address> healthy;
    std::copy_if(gate.guard.healthy.begin(), gate.guard.healthy.end(), std::back_inserter(healthy),
                 [family](const core::Address& peer) { return peer.family == family; });
    const auto count = static_cast<std::uint32_t>(healthy.size());
    for (std::uint32_t turn = 0; turn < count; ++turn) {
      chain.rules.push_back(relay(gate.name + "_relayed", healthy[turn], count, turn));
    }
  }
  chains.push_back(std::move(chain));
  return chains;
}

Table expected_table(const core::Ruleset& ruleset, std::uint32_t flags) {
  Table table;
  table.flags = flags;
  table.comment = table_comment(ruleset);
  std::set<milliseconds> leases;
  table.sets = port_sets(ruleset, leases);
  table.chains.push_back(input_chain());
  table.chains.push_back(pulse_chain(ruleset.nonce, leases));
  add_relay_hooks(table, ruleset.gates);
  for (const core::GateRules& gate : ruleset.gates) {
    add_gate(table, gate);
  }
  for (const core::PortRules& port : ruleset.ports) {
    add_port(table, port);
  }
  return table;
}

std::vector<Interval> intervals_of(const core::Allowlist& allow, Family family) {
  const std::vector<core::Cidr>& cidrs = family == Family::ipv4 ? allow.v4() : allow.v6();
  std::vector<Interval> intervals;
  intervals.reserve(cidrs.size());
  for (const core::Cidr& cidr : cidrs) {
    intervals.push_back({cidr.address.bytes, cidr.last().bytes});
  }
  return intervals;
}

} // namespace healthgate::nft
