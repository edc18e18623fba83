#include "nft/render.hpp"

#include "nft/expected.hpp"
#include "nft/templates.hpp"

#include <algorithm>
#include <cassert>
#include <map>

namespace healthgate::nft {
namespace {

using std::chrono::milliseconds;

std::string_view trimmed(std::string_view line) {
  const std::size_t first = line.find_first_not_of('\t');
  return first == line.npos ? std::string_view{} : line.substr(first);
}

const std::string& value_of(std::string_view name, const Values& values) {
  const auto value = values.find(name);
  assert(value != values.end());
  return value->second;
}

std::string fill_line(std::string_view line, const Values& values) {
  std::string filled;
  for (;;) {
    const std::size_t begin = line.find("{{");
    const std::size_t end = begin == line.npos ? line.npos : line.find("}}", begin);
    if (end == line.npos) {
      return filled.append(line);
    }
    filled.append(line.substr(0, begin));
    filled.append(value_of(line.substr(begin + 2, end - begin - 2), values));
    line.remove_prefix(end + 2);
  }
}

bool is_one_placeholder(std::string_view line) {
  return line.size() > 4 && line.substr(0, 2) == "{{" && line.find("}}") == line.size() - 2;
}

std::string elements_line(const std::vector<std::string>& elements) {
  if (elements.empty()) {
    return {}; // nft takes no empty list
  }
  std::string line = "\t\telements = { ";
  for (std::size_t i = 0; i < elements.size(); ++i) {
    line += (i == 0 ? "" : ", ") + elements[i];
  }
  return line + " }\n";
}

std::string elements_line(const std::vector<core::Cidr>& cidrs) {
  std::vector<std::string> elements;
  elements.reserve(cidrs.size());
  std::transform(cidrs.begin(), cidrs.end(), std::back_inserter(elements),
                 [](const core::Cidr& cidr) { return cidr.to_string(); });
  return elements_line(elements);
}

std::string in_milliseconds(milliseconds value) {
  return std::to_string(value.count()) + "ms";
}

std::string comment_clause(std::string_view comment) {
  return comment.empty() ? "" : " comment \"" + core::sanitize_comment(comment) + "\"";
}

std::string hexadecimal(std::uint64_t value) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 60; shift >= 0; shift -= 4) {
    text.push_back(digits[value >> shift & 0xf]);
  }
  return text;
}

std::string render_turns(const core::GateRules& gate, core::Family family) {
  std::vector<core::Address> healthy;
  std::copy_if(gate.guard.healthy.begin(), gate.guard.healthy.end(), std::back_inserter(healthy),
               [family](const core::Address& peer) { return peer.family == family; });
  std::string lines;
  for (std::size_t turn = 0; turn < healthy.size(); ++turn) {
    lines += fill(template_text("turn"), {{"gate", gate.name},
                                          {"ip", family == core::Family::ipv4 ? "ip" : "ip6"},
                                          {"count", std::to_string(healthy.size())},
                                          {"turn", std::to_string(turn)},
                                          {"peer", healthy[turn].to_string()}});
  }
  return lines;
}

std::string peers_line(const core::GateRules& gate, core::Family family) {
  std::vector<std::string> peers;
  for (const core::Address& peer : gate.guard.peers) {
    if (peer.family == family) {
      peers.push_back(peer.to_string());
    }
  }
  return elements_line(peers);
}

std::string render_guard(const core::GateRules& gate) {
  if (gate.guard.mode == core::GuardMode::off) {
    return {};
  }
  std::string relay;
  if (gate.guard.mode == core::GuardMode::relay) {
    std::vector<std::string> ports;
    std::transform(gate.guard.ports.begin(), gate.guard.ports.end(), std::back_inserter(ports),
                   [](std::uint16_t port) { return std::to_string(port); });
    relay =
        fill(template_text("relay"),
             {{"gate", gate.name},
              {"ports", elements_line(ports)},
              {"peers4", peers_line(gate, core::Family::ipv4)},
              {"peers6", peers_line(gate, core::Family::ipv6)},
              {"turns", render_turns(gate, core::Family::ipv4) + render_turns(gate, core::Family::ipv6)}});
  }
  return fill(template_text("guard"),
              {{"gate", gate.name}, {"comment", comment_clause(gate.guard.comment)}, {"relay", relay}});
}

std::string render_relay_hooks(const std::vector<core::GateRules>& gates) {
  std::string dispatches;
  std::string masquerades;
  for (const core::GateRules& gate : gates) {
    if (gate.guard.mode == core::GuardMode::relay) {
      dispatches += fill(template_text("dispatch"), {{"gate", gate.name}});
      masquerades += fill(template_text("masquerade"), {{"gate", gate.name}});
    }
  }
  return dispatches.empty()
             ? std::string{}
             : fill(template_text("nat"), {{"dispatches", dispatches}, {"masquerades", masquerades}});
}

std::string render_gate(const core::GateRules& gate) {
  const bool open = gate.form == core::ChainForm::open;
  const std::string verdict = fill(template_text(open ? "open" : "closed"),
                                   {{"gate", gate.name}, {"comment", comment_clause(gate.comment)}});
  return fill(template_text("gate"),
              {{"gate", gate.name},
               {"port", std::to_string(gate.port)},
               {"allow4", elements_line(gate.allow->v4())},
               {"allow6", elements_line(gate.allow->v6())},
               {"denied", gate.denied == core::Denied::reset ? "reject with tcp reset" : "drop"},
               {"verdict", verdict},
               {"guard", render_guard(gate)}});
}

std::string render_port(const core::PortRules& port) {
  return fill(template_text("port"), {{"name", port.name},
                                      {"port", std::to_string(port.port)},
                                      {"allow4", elements_line(port.allow->v4())},
                                      {"allow6", elements_line(port.allow->v6())}});
}

// Adds what gates with a lease other than the set's own need: their set and their rule.
void render_unusual_leases(const core::Ruleset& ruleset, Values& values) {
  std::map<milliseconds, std::vector<std::string>> unusual;
  for (const core::GateRules& gate : ruleset.gates) {
    for (const std::uint16_t port : leased_ports(gate)) {
      if (gate.lease != default_lease) {
        unusual[gate.lease].push_back(std::to_string(port));
      }
    }
  }
  std::string& sets = values["ports_of_leases"];
  std::string& rules = values["renew_other_leases"];
  for (const auto& [lease, ports] : unusual) {
    const Values part = {{"lease", in_milliseconds(lease)},
                         {"set", ports_set_name(lease)},
                         {"ports", elements_line(ports)},
                         {"nonce", values["nonce"]}};
    sets += fill(template_text("ports-of-lease"), part);
    rules += fill(template_text("renew"), part);
  }
}

} // namespace

std::string fill(std::string_view text, const Values& values) {
  std::string filled;
  while (!text.empty()) {
    const std::size_t length = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, length);
    text.remove_prefix(std::min(length + 1, text.size()));
    const std::string_view content = trimmed(line);
    if (line.substr(0, 2) == "##") {
      continue;
    }
    if (is_one_placeholder(content)) {
      filled += value_of(content.substr(2, content.size() - 4), values);
    } else {
      filled += fill_line(line, values) + "\n";
    }
  }
  return filled;
}

std::string render(const core::Ruleset& ruleset, Nonce nonce) {
  Values values;
  values["comment"] = table_comment(ruleset);
  values["nonce"] = nonce == Nonce::shown ? hexadecimal(ruleset.nonce) : "0x0";
  std::vector<std::string> ports;
  std::vector<std::string> jumps;
  for (const core::GateRules& gate : ruleset.gates) {
    jumps.push_back(std::to_string(gate.port) + " : jump " + gate.name);
    for (const std::uint16_t port : leased_ports(gate)) {
      ports.push_back(std::to_string(port));
      if (port != gate.port) {
        jumps.push_back(ports.back() + " : jump " + gate.name + "_guard");
      }
    }
    values["all_gates"] += render_gate(gate);
  }
  for (const core::PortRules& port : ruleset.ports) {
    jumps.push_back(std::to_string(port.port) + " : jump " + port.name);
    values["all_ports"] += render_port(port);
  }
  values.try_emplace("all_gates");
  values.try_emplace("all_ports");
  values["ports"] = elements_line(ports);
  values["gates"] = elements_line(jumps);
  values["relay_hooks"] = render_relay_hooks(ruleset.gates);
  render_unusual_leases(ruleset, values);
  return fill(template_text("table"), values);
}

} // namespace healthgate::nft
