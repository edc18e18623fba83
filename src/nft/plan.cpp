#include "nft/plan.hpp"

#include "nft/expected.hpp"
#include "nft/kernel_abi.hpp"

#include <algorithm>
#include <unordered_set>

namespace healthgate::nft {
namespace {

core::Family family_of(const Set& set) {
  return set.key_len == 4 ? core::Family::ipv4 : core::Family::ipv6;
}

std::size_t wanted_size(const Set& set) {
  if (set.role != SetRole::allow) {
    return 0;
  }
  return family_of(set) == core::Family::ipv4 ? set.allow->v4().size() : set.allow->v6().size();
}

class Planner {
public:
  Planner(const std::optional<Table>& found, const Table& expected, const std::vector<Change>& changes,
          Plan& plan)
      : found_(found), expected_(expected), changes_(changes), plan_(plan), batch_(plan.batch) {
    for (const Change& change : changes) {
      changed_.insert(key(change.part, change.name));
    }
  }

  void recreate() {
    if (found_) {
      batch_.delete_table(table_name);
    }
    batch_.add_table(table_name, expected_.flags, expected_.comment);
    put_up([](Part, const std::string&) { return true; });
    plan_.recreated = true;
    plan_.lease_lost = true;
  }

  void rebuild() {
    batch_.flush_chain("");
    take_down();
    put_up([this](Part part, const std::string& name) { return changed(part, name); });
    plan_.lease_lost = changed(Part::set, "lease");
  }

  void mend() {
    for (const Set& set : expected_.sets) {
      if (changed(Part::elements, set.name)) {
        mend_elements(set, *find(found_->sets, set.name));
        batch_.cut();
      }
    }
    for (const Chain& chain : expected_.chains) {
      if (changed(Part::rules, chain.name)) {
        batch_.flush_chain(chain.name);
        batch_.append_rules(chain);
        batch_.cut();
      }
    }
  }

private:
  static std::string key(Part part, const std::string& name) {
    return std::string(1, static_cast<char>('0' + static_cast<int>(part))) + name;
  }
  [[nodiscard]] bool changed(Part part, const std::string& name) const {
    return changed_.count(key(part, name)) != 0;
  }
  [[nodiscard]] bool is(const Change& change, Part part) const {
    return change.part == part && change.fault != Fault::missing;
  }

  // What is wrong or not ours. Rules are gone by now; a map's elements hold on to chains, so maps go first.
  void take_down() {
    if (const Set* gates = find(found_->sets, "gates"); gates != nullptr && !changed(Part::set, "gates")) {
      batch_.flush_set("gates");
    }
    for (const Change& change : changes_) {
      if (is(change, Part::set)) {
        batch_.delete_set(change.name);
      }
    }
    for (const Change& change : changes_) {
      if (is(change, Part::chain)) {
        batch_.delete_chain(change.name);
      } else if (is(change, Part::object)) {
        batch_.delete_object(*find(found_->objects, change.name));
      } else if (is(change, Part::flowtable)) {
        batch_.delete_flowtable(change.name);
      }
    }
  }

  // `anew` tells of each object whether it has to be made. Rules and the elements of `gates` are put up in
  // any case. The base chains with their rules and the lease come first, then gate after gate, and the
  // dispatch to the gates last, so that a transaction that must be split leaves a table that opens nothing.
  template <typename Anew> void put_up(const Anew& anew) {
    for (const Object& object : expected_.objects) {
      if (anew(Part::object, object.name)) {
        batch_.add_object(object);
      }
    }
    for (const Chain& chain : expected_.chains) {
      if (anew(Part::chain, chain.name)) {
        batch_.add_chain(chain);
      }
    }
    for (const Set& set : expected_.sets) {
      if (anew(Part::set, set.name)) {
        batch_.add_set(set);
        fill(set);
      } else if (changed(Part::elements, set.name) && set.name != "gates") {
        mend_elements(set, *find(found_->sets, set.name));
      }
    }
    for (const Chain& chain : expected_.chains) {
      batch_.append_rules(chain);
      batch_.cut();
    }
    if (const Set* gates = find(expected_.sets, "gates")) {
      batch_.add_elements(gates->name, gates->elements);
    }
  }

  // Elements of a set that is new, and empty.
  void fill(const Set& set) {
    if (set.role == SetRole::allow) {
      change_intervals(set, {{}, intervals_of(*set.allow, family_of(set))});
    } else if (set.name != "gates") {
      batch_.add_elements(set.name, set.elements);
    }
  }

  void mend_elements(const Set& set, const Set& found) {
    if (set.role == SetRole::allow) {
      if (found.malformed) {
        batch_.flush_set(set.name);
        change_intervals(set, {{}, intervals_of(*set.allow, family_of(set))});
      } else {
        change_intervals(set, delta(found.intervals, intervals_of(*set.allow, family_of(set))));
      }
    } else {
      batch_.flush_set(set.name);
      batch_.add_elements(set.name, set.elements);
    }
  }

  void change_intervals(const Set& set, IntervalDelta delta) {
    if (delta.size() > small_set_limit) {
      plan_.fillings.push_back({set.name, std::move(delta)});
      return;
    }
    batch_.delete_intervals(set, delta.remove);
    batch_.add_intervals(set, delta.add);
  }

  const std::optional<Table>& found_;
  const Table& expected_;
  const std::vector<Change>& changes_;
  Plan& plan_;
  Batch& batch_;
  std::unordered_set<std::string> changed_;
};

bool structural(const Change& change) {
  switch (change.part) {
  case Part::table:
  case Part::object:
  case Part::set:
  case Part::chain:
  case Part::flowtable:
    return true;
  case Part::elements:
  case Part::rules:
    return false;
  }
  return true;
}

} // namespace

bool beyond_repair(const std::optional<Table>& found, const std::vector<Change>& changes) {
  return !found ||
         std::any_of(changes.begin(), changes.end(), [](const Change& c) { return c.part == Part::table; });
}

std::vector<std::string> sets_to_fill_anew(const std::optional<Table>& found, const Table& expected,
                                           const std::vector<Change>& changes) {
  const bool all = beyond_repair(found, changes);
  std::vector<std::string> names;
  for (const Set& set : expected.sets) {
    if (wanted_size(set) <= small_set_limit) {
      continue;
    }
    const bool anew = all || std::any_of(changes.begin(), changes.end(), [&](const Change& change) {
                        return change.name == set.name &&
                               (change.part == Part::set ||
                                (change.part == Part::elements && find(found->sets, set.name)->malformed));
                      });
    if (anew) {
      names.push_back(set.name);
    }
  }
  return names;
}

Plan plan(const std::optional<Table>& found, const Table& expected, const std::vector<Change>& changes,
          std::size_t batch_limit_bytes, bool adopt) {
  Plan result{Batch(batch_limit_bytes), {}, false, false};
  Planner planner(found, expected, changes, result);
  if (adopt) { // exactly the flags that it had as an owned table (nft-findings, 3)
    result.batch.add_table(table_name, flag_owner | flag_persist, {});
  }
  if (beyond_repair(found, changes)) {
    planner.recreate();
  } else if (std::any_of(changes.begin(), changes.end(), structural)) {
    planner.rebuild();
  } else {
    planner.mend();
  }
  return result;
}

} // namespace healthgate::nft
