#include "nft/diff.hpp"

#include "nft/expected.hpp"
#include "nft/kernel_abi.hpp"

#include <algorithm>
#include <unordered_map>

namespace healthgate::nft {
namespace {

template <typename T> class ByName {
public:
  explicit ByName(const std::vector<T>& all) {
    index_.reserve(all.size());
    for (const T& one : all) {
      index_.emplace(one.name, &one);
    }
  }
  const T* operator[](const std::string& name) const {
    const auto entry = index_.find(name);
    return entry == index_.end() ? nullptr : entry->second;
  }

private:
  std::unordered_map<std::string_view, const T*> index_;
};

bool same_shape(const Set& a, const Set& b) {
  const bool verdicts =
      a.data_type == NFT_DATA_VERDICT; // then the kernel fills in the length of its own struct
  return a.flags == b.flags && a.key_type == b.key_type && a.key_len == b.key_len &&
         a.data_type == b.data_type && (verdicts || a.data_len == b.data_len) && a.size == b.size &&
         a.gc_interval_ms == b.gc_interval_ms && same_timeout(a.timeout, b.timeout);
}

bool same_elements(const Set& found, const Set& expected) {
  if (found.malformed) {
    return false;
  }
  switch (expected.role) {
  case SetRole::fixed:
    return found.elements == expected.elements;
  case SetRole::allow: {
    const core::Family family = expected.key_len == 4 ? core::Family::ipv4 : core::Family::ipv6;
    return found.intervals == intervals_of(*expected.allow, family);
  }
  case SetRole::lease:
  case SetRole::sources:
  case SetRole::foreign:
    return true;
  }
  return true;
}

void compare_objects(const Table& found, const Table& expected, std::vector<Change>& changes) {
  const ByName there(found.objects);
  const ByName wanted(expected.objects);
  for (const Object& object : expected.objects) {
    const Object* live = there[object.name];
    if (live == nullptr) {
      changes.push_back({Part::object, Fault::missing, object.name});
    } else if (!(*live == object)) {
      changes.push_back({Part::object, Fault::differs, object.name});
    }
  }
  for (const Object& object : found.objects) {
    if (wanted[object.name] == nullptr) {
      changes.push_back({Part::object, Fault::extra, object.name});
    }
  }
}

void compare_sets(const Table& found, const Table& expected, std::vector<Change>& changes) {
  const ByName there(found.sets);
  const ByName wanted(expected.sets);
  for (const Set& set : expected.sets) {
    const Set* live = there[set.name];
    if (live == nullptr) {
      changes.push_back({Part::set, Fault::missing, set.name});
    } else if (!same_shape(*live, set)) {
      changes.push_back({Part::set, Fault::differs, set.name});
    } else if (live->elements_known && !same_elements(*live, set)) {
      changes.push_back({Part::elements, Fault::differs, set.name});
    }
  }
  for (const Set& set : found.sets) {
    // An anonymous set lives and dies with its rule, which differs anyway.
    if (wanted[set.name] == nullptr && (set.flags & NFT_SET_ANONYMOUS) == 0) {
      changes.push_back({Part::set, Fault::extra, set.name});
    }
  }
}

void compare_chains(const Table& found, const Table& expected, std::vector<Change>& changes) {
  const ByName there(found.chains);
  const ByName wanted(expected.chains);
  for (const Chain& chain : expected.chains) {
    const Chain* live = there[chain.name];
    if (live == nullptr) {
      changes.push_back({Part::chain, Fault::missing, chain.name});
    } else if (live->hook != chain.hook) {
      changes.push_back({Part::chain, Fault::differs, chain.name});
    } else if (live->rules != chain.rules) {
      changes.push_back({Part::rules, Fault::differs, chain.name});
    }
  }
  for (const Chain& chain : found.chains) {
    if (wanted[chain.name] == nullptr) {
      changes.push_back({Part::chain, Fault::extra, chain.name});
    }
  }
}

std::string_view to_string(Part part) {
  switch (part) {
  case Part::table:
    return "table";
  case Part::object:
    return "counter";
  case Part::set:
  case Part::elements:
    return "set";
  case Part::chain:
  case Part::rules:
    return "chain";
  case Part::flowtable:
    return "flowtable";
  }
  return "";
}

std::string_view to_string(const Change& change) {
  switch (change.fault) {
  case Fault::missing:
    return "missing";
  case Fault::extra:
    return "not ours";
  case Fault::differs:
    return change.part == Part::rules      ? "rules differ"
           : change.part == Part::elements ? "elements differ"
                                           : "differs";
  }
  return "";
}

// A lease may be listed a jiffy longer than it was asked for.
constexpr auto lease_slack = 2 * longest_jiffy;

} // namespace

std::vector<Change> compare(const std::optional<Table>& found, const Table& expected) {
  std::vector<Change> changes;
  if (!found) {
    changes.push_back({Part::table, Fault::missing, std::string(table_name)});
    return changes;
  }
  if (found->flags != expected.flags) {
    changes.push_back({Part::table, Fault::differs, std::string(table_name)});
  }
  compare_objects(*found, expected, changes);
  compare_sets(*found, expected, changes);
  compare_chains(*found, expected, changes);
  for (const std::string& name : found->flowtables) {
    changes.push_back({Part::flowtable, Fault::extra, name});
  }
  return changes;
}

std::string summary(const std::vector<Change>& changes) {
  constexpr std::size_t most = 3;
  std::string text;
  for (std::size_t i = 0; i < changes.size() && i < most; ++i) {
    text += i == 0 ? "" : ", ";
    // Names in the kernel may be anybody's.
    text += std::string(to_string(changes[i].part)) + " " + core::sanitize_comment(changes[i].name) + " " +
            std::string(to_string(changes[i]));
  }
  if (changes.size() > most) {
    text += " and " + std::to_string(changes.size() - most) + " more";
  }
  return text;
}

std::vector<Element> forged_leases(const Set& lease, const core::Ruleset& desired) {
  std::vector<Element> forged;
  for (const Element& element : lease.elements) {
    const std::uint16_t port = port_of(element.key);
    const auto gate =
        std::find_if(desired.gates.begin(), desired.gates.end(), [port](const core::GateRules& one) {
          const auto ports = leased_ports(one);
          return std::find(ports.begin(), ports.end(), port) != ports.end();
        });
    // A guard's chain has one form, so its lease is only judged by its length.
    const bool possible = gate != desired.gates.end() &&
                          (gate->port != port || gate->form == core::ChainForm::open) && element.expiration &&
                          *element.expiration <= gate->lease + lease_slack;
    if (!possible) {
      forged.push_back(element);
    }
  }
  return forged;
}

} // namespace healthgate::nft
