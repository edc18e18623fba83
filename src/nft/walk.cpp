#include "nft/walk.hpp"

#include "nft/instruction.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/text.hpp"

#include <algorithm>

namespace healthgate::nft {
namespace {

// The kernel allows 16 jumps; a picture read during a commit may have more.
constexpr int deepest = 17;
// A judge with many doubts follows both ways at each; beyond this it gives up and says so.
constexpr std::size_t most_visited = 256; // chains are remembered to find a zone by name
constexpr std::uint64_t most_rules = 3'000'000;

struct Stop {
  Manner manner = Manner::dropped;
  std::vector<std::string> trail;
  const HostRule* rule = nullptr; // nullptr: the policy
};

// What may happen in a chain: any of these, when more than one is set.
struct Ways {
  bool passes = false;     // accepted
  bool ends = false;       // ran to the end of the chain
  std::vector<Stop> stops; // the certain one, if there is one, is the last
  std::string doubt;       // the first thing that could not be told and mattered

  void doubt_by(const std::string& why) {
    if (doubt.empty()) {
      doubt = why;
    }
  }
  void merge(Ways other) {
    passes = passes || other.passes;
    stops.insert(stops.end(), std::make_move_iterator(other.stops.begin()),
                 std::make_move_iterator(other.stops.end()));
    doubt_by(other.doubt);
  }
};

class ChainWalker {
public:
  ChainWalker(const HostTable& table, const Segment& segment, Place place, Traces& traces)
      : table_(table), segment_(segment), place_(place), traces_(traces) {}

  Ways run(const std::string& name, const HostChain& chain) {
    Ways ways;
    trail_.push_back(name);
    if (visited_.size() < most_visited) {
      visited_.push_back(printable(name));
    }
    if (trail_.size() > deepest) {
      ways.doubt_by("chains that jump too deep");
      ways.passes = ways.ends = true;
    } else {
      run_rules(chain, ways);
    }
    trail_.pop_back();
    return ways;
  }

  [[nodiscard]] const std::vector<std::string>& visited() const { return visited_; }

private:
  void run_rules(const HostChain& chain, Ways& ways) {
    for (const HostRule& rule : chain.rules) {
      if (++rules_run_ > most_rules) {
        ways.doubt_by("more rules than can be followed");
        ways.passes = true;
        break;
      }
      Step step = run_rule(rule.rule, table_, segment_, place_, firm_, traces_);
      if (step.match == Match::no || step.actions.empty()) {
        continue;
      }
      if (step.match == Match::maybe || step.actions.size() > 1) {
        ways.doubt_by(step.doubt);
        firm_ = false;
      }
      bool goes_on = step.match == Match::maybe;
      for (const Action& action : step.actions) {
        goes_on = follow(action, rule, step.doubt, ways) || goes_on;
      }
      if (!goes_on) {
        return;
      }
    }
    ways.ends = true;
  }

  // True when the next rule of the chain is reached after this.
  bool follow(const Action& action, const HostRule& rule, const std::string& doubt, Ways& ways) {
    switch (action.kind) {
    case Action::Kind::accept:
      ways.passes = true;
      return false;
    case Action::Kind::drop:
      return stop(Manner::dropped, rule, ways);
    case Action::Kind::reject:
      return stop(Manner::rejected, rule, ways);
    case Action::Kind::divert:
      return stop(Manner::diverted, rule, ways);
    case Action::Kind::handed:
      ways.doubt_by(doubt);
      ways.passes = true;
      return stop(Manner::dropped, rule, ways);
    case Action::Kind::back:
      ways.ends = true;
      return false;
    case Action::Kind::jump:
    case Action::Kind::go_to:
      break;
    }
    const bool ends = enter(action.chain, ways);
    if (action.kind == Action::Kind::go_to) {
      ways.ends = ways.ends || ends;
      return false;
    }
    return ends;
  }

  bool stop(Manner manner, const HostRule& rule, Ways& ways) {
    ways.stops.push_back({manner, trail_, &rule});
    return false;
  }

  bool enter(const std::string& name, Ways& ways) {
    const auto chain = table_.chains.find(name);
    if (chain == table_.chains.end()) {
      ways.doubt_by("chain " + name + ", which is not listed");
      ways.passes = true;
      return true;
    }
    Ways inner = run(name, chain->second);
    const bool ends = inner.ends;
    ways.merge(std::move(inner));
    return ends;
  }

  const HostTable& table_;
  const Segment& segment_;
  const Place place_;
  Traces& traces_;
  std::vector<std::string> trail_;
  std::vector<std::string> visited_;
  std::uint64_t rules_run_ = 0;
  bool firm_ = true; // nothing so far was in doubt
};

struct Station {
  const HostTable* table;
  const std::string* name;
  const HostChain* chain;
  Place place;
};

bool sees(const HostTable& table, const Segment& segment) {
  return table.family == NFPROTO_INET || table.family == NFPROTO_NETDEV ||
         table.family == (segment.is_ipv4() ? NFPROTO_IPV4 : NFPROTO_IPV6);
}

// The hook by inet's numbers; ingress is number 0 in the family netdev. None: it is not on this way.
std::optional<std::uint32_t> hook_on_way(const HostTable& table, const HostChain& chain,
                                         const Segment& segment) {
  constexpr std::uint32_t netdev_egress = 1;
  std::uint32_t hook = chain.hook->number;
  const bool of_device = table.family == NFPROTO_NETDEV || hook == NF_INET_INGRESS;
  if (of_device) {
    const bool egress = table.family == NFPROTO_NETDEV && hook == netdev_egress;
    const bool ours =
        std::find(chain.devices.begin(), chain.devices.end(), segment.link.name) != chain.devices.end();
    if (!ours || egress != segment.answer || (table.family == NFPROTO_NETDEV && hook > netdev_egress)) {
      return {};
    }
    return egress ? std::uint32_t{NF_INET_POST_ROUTING} : std::uint32_t{NF_INET_INGRESS};
  }
  const bool incoming = hook == NF_INET_PRE_ROUTING || hook == NF_INET_LOCAL_IN;
  const bool outgoing = hook == NF_INET_LOCAL_OUT || hook == NF_INET_POST_ROUTING;
  if (!(segment.answer ? outgoing : incoming)) {
    return {};
  }
  // Connections are translated once, by their first packet: the answer passes no nat chain.
  return segment.answer && chain.hook->type == "nat" ? std::nullopt : std::optional(hook);
}

int order_of(std::uint32_t hook) {
  return hook == NF_INET_INGRESS ? -1 : static_cast<int>(hook); // the numbers follow the packet
}

std::vector<Station> stations_of(const HostRules& rules, const Segment& segment) {
  std::vector<Station> stations;
  for (const HostTable& table : rules) {
    if (!sees(table, segment) || (table.flags & flag_dormant) != 0) {
      continue;
    }
    for (const auto& [name, chain] : table.chains) {
      if (!chain.hook) {
        continue;
      }
      if (const auto hook = hook_on_way(table, chain, segment)) {
        stations.push_back({&table, &name, &chain, {*hook, chain.hook->priority}});
      }
    }
  }
  std::stable_sort(stations.begin(), stations.end(), [](const Station& a, const Station& b) {
    return std::pair(order_of(a.place.hook), a.place.priority) <
           std::pair(order_of(b.place.hook), b.place.priority);
  });
  return stations;
}

// What is not understood in whole is shown as far as it is.
std::string rule_text(const HostRule& rule, std::uint8_t family) {
  const std::string text = to_text(rule.rule, Nonce::hidden, family);
  return text.compare(0, not_understood.size(), not_understood) == 0 ? text.substr(not_understood.size())
                                                                     : text;
}

Obstacle describe(const Station& station, const Segment& segment, const Stop& stop, bool certain,
                  const std::string& doubt) {
  Obstacle obstacle;
  obstacle.fate = certain ? Fate::stopped : Fate::unknown;
  obstacle.manner = stop.manner;
  obstacle.answer = segment.answer;
  obstacle.family = station.table->family;
  obstacle.table = printable(station.table->name);
  obstacle.table_flags = station.table->flags;
  obstacle.base_chain = printable(*station.name);
  obstacle.hook = *station.chain->hook;
  obstacle.hook.number = station.place.hook;
  for (const std::string& chain : stop.trail) {
    obstacle.trail.push_back(printable(chain));
  }
  obstacle.handle = stop.rule == nullptr ? 0 : stop.rule->handle;
  obstacle.rule = stop.rule == nullptr ? "policy drop" : rule_text(*stop.rule, station.table->family);
  obstacle.doubt = certain ? "" : doubt.empty() ? "its rules" : doubt;
  return obstacle;
}

void walk_one_way(const HostRules& rules, const Segment& segment, std::vector<Obstacle>& obstacles) {
  Traces traces;
  for (const Station& station : stations_of(rules, segment)) {
    ChainWalker walker(*station.table, segment, station.place, traces);
    Ways ways = walker.run(*station.name, *station.chain);
    if (ways.ends && station.chain->hook->policy == NF_DROP) {
      ways.stops.push_back({Manner::dropped, {*station.name}, nullptr});
    } else if (ways.ends) {
      ways.passes = true;
    }
    if (ways.stops.empty()) {
      continue;
    }
    obstacles.push_back(describe(station, segment, ways.passes ? ways.stops.front() : ways.stops.back(),
                                 !ways.passes, ways.doubt));
    obstacles.back().visited = walker.visited();
  }
}

} // namespace

bool operator==(const Obstacle& a, const Obstacle& b) {
  return a.fate == b.fate && a.answer == b.answer && a.family == b.family && a.table == b.table &&
         a.base_chain == b.base_chain && a.handle == b.handle && a.trail == b.trail && a.doubt == b.doubt;
}

std::vector<Obstacle> walk(const HostRules& rules, const Segment& syn) {
  std::vector<Obstacle> obstacles;
  walk_one_way(rules, syn, obstacles);
  walk_one_way(rules, syn.reply(), obstacles);
  return obstacles;
}

std::string hook_text(const Obstacle& obstacle) {
  constexpr std::string_view names[] = {"prerouting", "input", "forward", "output", "postrouting", "ingress"};
  const std::string name(obstacle.hook.number < std::size(names) ? names[obstacle.hook.number] : "unknown");
  return "hook " + name + " priority " + std::to_string(obstacle.hook.priority);
}

} // namespace healthgate::nft
