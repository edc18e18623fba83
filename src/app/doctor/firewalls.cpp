// Everybody else's rules in the way of the load balancer's SYN, or of our answer.
#include "app/doctor/checks.hpp"
#include "app/doctor/privilege.hpp"
#include "app/doctor/remedy.hpp"
#include "app/doctor/sources.hpp"
#include "nft/turning_points.hpp"

#include <algorithm>
#include <fstream>

namespace healthgate::app::doctor {
namespace {

using nft::Obstacle;

// From where SYNs come: what Linux picks by itself lies here (ip_local_port_range).
constexpr std::uint16_t source_port = 40000;
constexpr std::size_t points_a_block = 6;
// Of all gates together; a walk through a usual ruleset takes microseconds, through 20,000 rules some 10 ms.
constexpr std::size_t most_walks = 5000;

// Whom one obstacle concerns.
struct Hit {
  Obstacle obstacle;
  std::vector<std::uint16_t> ports;
  std::vector<std::string> gates;
  std::vector<std::string> sources;
};

template <typename T> void add_once(std::vector<T>& all, const T& one) {
  if (std::find(all.begin(), all.end(), one) == all.end()) {
    all.push_back(one);
  }
}

class Survey {
public:
  explicit Survey(const nft::HostRules& rules) : rules_(rules), points_(nft::turning_points(rules)) {}

  // False when it has seen enough.
  bool judge(const config::GateConfig& gate, const core::Cidr& block) {
    const auto sources = nft::representatives(block, points_, points_a_block);
    std::vector<std::pair<Obstacle, std::vector<core::Address>>> found;
    for (const auto& source : sources) {
      const nft::Route route = routes_.to(source);
      if (route.error != 0) {
        continue; // said by the check of routes
      }
      const core::Address local = route.local.value_or(core::Address{source.family, {}});
      for (Obstacle& obstacle :
           nft::walk(rules_, {source, local, source_port, gate.port, false, route.link})) {
        const auto known = std::find_if(found.begin(), found.end(),
                                        [&obstacle](const auto& one) { return one.first == obstacle; });
        if (known == found.end()) {
          found.push_back({std::move(obstacle), {source}});
        } else {
          known->second.push_back(source);
        }
      }
    }
    for (const auto& [obstacle, stopped] : found) {
      const bool whole = stopped.size() == sources.size();
      add(obstacle, gate,
          whole ? block.to_string() : stopped.front().to_string() + " (of " + block.to_string() + ")");
    }
    walks_ += sources.size();
    return walks_ < most_walks;
  }

  [[nodiscard]] const std::vector<Hit>& hits() const { return hits_; }

private:
  void add(const Obstacle& obstacle, const config::GateConfig& gate, const std::string& source) {
    auto hit =
        std::find_if(hits_.begin(), hits_.end(), [&](const Hit& one) { return one.obstacle == obstacle; });
    if (hit == hits_.end()) {
      hit = hits_.insert(hits_.end(), Hit{obstacle, {}, {}, {}});
    }
    add_once(hit->ports, gate.port);
    add_once(hit->gates, gate.name);
    add_once(hit->sources, source);
  }

  const nft::HostRules& rules_;
  const std::vector<core::Address> points_;
  nft::RouteReader routes_;
  std::vector<Hit> hits_;
  std::size_t walks_ = 0;
};

std::string ports_text(const std::vector<std::uint16_t>& ports) {
  std::vector<std::string> names;
  for (const auto port : ports) {
    names.push_back(std::to_string(port));
  }
  return (ports.size() == 1 ? "port " : "ports ") + list_text(names);
}

std::string sentence(const Hit& hit) {
  const Obstacle& obstacle = hit.obstacle;
  const std::string sources = list_text(hit.sources);
  const std::string ports = ports_text(hit.ports);
  const std::string who =
      obstacle.answer ? "answers of " + ports + " to " + sources : "SYNs from " + sources + " to " + ports;
  const std::string table = "table " + std::string(nft::family_text(obstacle.family)) + " " + obstacle.table;
  if (obstacle.fate == nft::Fate::unknown) {
    return "whether " + table + " lets " + who + " pass cannot be told: it depends on " + obstacle.doubt;
  }
  switch (obstacle.manner) {
  case nft::Manner::dropped:
    return who + " are dropped by " + table;
  case nft::Manner::rejected:
    return who + " are rejected by " + table;
  case nft::Manner::diverted:
    return who + " are sent elsewhere by " + table + ", so they never reach the gate";
  }
  return "";
}

std::string evidence(const Obstacle& obstacle) {
  std::string text = "chain ";
  for (const std::string& chain : obstacle.trail) {
    text += (&chain == &obstacle.trail.front() ? "" : " > ") + chain;
  }
  text += " (" + hook_text(obstacle) + "): " + obstacle.rule;
  return obstacle.handle == 0 ? text : text + " # handle " + std::to_string(obstacle.handle);
}

void report(const Hit& hit, Findings& findings) {
  const Remedy remedy = remedy_for(hit.obstacle, hit.ports);
  const bool certain = hit.obstacle.fate == nft::Fate::stopped;
  findings.push_back({certain ? Severity::error : Severity::unknown, "",
                      hit.gates.size() == 1 ? hit.gates.front() : "", sentence(hit), evidence(hit.obstacle),
                      remedy.now, remedy.lasting});
}

// Rules of iptables-legacy live in tables of their own, which nf_tables does not show.
void check_legacy(Findings& findings) {
  for (const char* file : {"/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"}) {
    std::ifstream names(file);
    std::string tables;
    for (std::string name; names >> name;) {
      tables += (tables.empty() ? "" : ", ") + name;
    }
    if (!tables.empty()) {
      findings.push_back({Severity::unknown, "", "",
                          "rules of iptables-legacy are in force on this host and were not judged",
                          std::string(file) + ": " + tables,
                          "iptables-legacy-save and ip6tables-legacy-save show them", ""});
    }
  }
}

} // namespace

void check_firewalls(const Subject& subject, Findings& findings) {
  if (!may_read_rules()) {
    return;
  }
  check_legacy(findings);
  nft::NetlinkSocket socket("doctor");
  const auto rules = nft::read_host_rules(socket);
  if (!rules) {
    findings.push_back({Severity::unknown, "", "", "the rules of other programs could not be read",
                        rules.error().what, "", ""});
    return;
  }
  Survey survey(rules.value());
  for (const auto& gate : subject.config.gates) {
    const auto blocks = blocks_of(gate);
    if (blocks.size() < gate.allow->size()) {
      findings.push_back(
          {Severity::note, "", gate.name, "only the first blocks of a long allowlist were judged",
           std::to_string(blocks.size()) + " of " + std::to_string(gate.allow->size()), "", ""});
    }
    for (const auto& block : blocks) {
      if (!survey.judge(gate, block)) {
        findings.push_back({Severity::note, "", "", "not every gate was judged: too many sources and gates",
                            "stopped at gate " + gate.name, "", ""});
        break;
      }
    }
  }
  for (const Hit& hit : survey.hits()) {
    report(hit, findings);
  }
}

} // namespace healthgate::app::doctor
