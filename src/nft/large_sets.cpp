#include "nft/large_sets.hpp"

#include "nft/expected.hpp"

#include <algorithm>

namespace healthgate::nft {
namespace {

core::Family family_of(const Set& set) {
  return set.key_len == 4 ? core::Family::ipv4 : core::Family::ipv6;
}

bool same_content(const core::Allowlist& a, const core::Allowlist& b, core::Family family) {
  return &a == &b || (family == core::Family::ipv4 ? a.v4() == b.v4() : a.v6() == b.v6());
}

} // namespace

bool is_large(const Set& expected) {
  if (expected.role != SetRole::allow) {
    return false;
  }
  const auto& cidrs = family_of(expected) == core::Family::ipv4 ? expected.allow->v4() : expected.allow->v6();
  return cidrs.size() > small_set_limit;
}

std::unordered_set<std::string> LargeSets::prepare(const Table& expected) {
  std::unordered_set<std::string> skip;
  std::unordered_map<std::string, std::shared_ptr<const core::Allowlist>> still_held;
  std::deque<Active> still_active;
  for (const Set& set : expected.sets) {
    const auto active = std::find_if(active_.begin(), active_.end(), [&](const Active& one) {
      return one.set.name == set.name && same_content(*one.set.allow, *set.allow, family_of(set));
    });
    const auto held = held_.find(set.name);
    if (active != active_.end()) {
      still_active.push_back(std::move(*active));
      skip.insert(set.name);
    } else if (held != held_.end() && is_large(set)) {
      still_held.insert(*held);
      skip.insert(set.name);
    }
  }
  active_ = std::move(still_active);
  held_ = std::move(still_held);
  std::erase_if(partial_,
                [&expected](const std::string& name) { return find(expected.sets, name) == nullptr; });
  return skip;
}

void LargeSets::assume(Table& found, const Table& expected) const {
  for (Set& set : found.sets) {
    const auto held = held_.find(set.name);
    const Set* wanted = find(expected.sets, set.name);
    if (held == held_.end() || wanted == nullptr || wanted->role != SetRole::allow) {
      continue;
    }
    const core::Family family = family_of(*wanted);
    if (!same_content(*held->second, *wanted->allow, family)) {
      set.intervals = intervals_of(*held->second, family);
      set.elements_known = true;
    }
  }
}

void LargeSets::committed(const Table& expected, std::vector<Filling> fillings,
                          const std::vector<std::string>& anew) {
  partial_.insert(anew.begin(), anew.end());
  for (Filling& filling : fillings) {
    std::erase_if(active_, [&filling](const Active& one) { return one.set.name == filling.set; });
    held_.erase(filling.set);
    active_.push_back({*find(expected.sets, filling.set), {std::move(filling.delta), piece_size}});
  }
  for (const Set& set : expected.sets) {
    const bool active = std::any_of(active_.begin(), active_.end(),
                                    [&set](const Active& one) { return one.set.name == set.name; });
    if (active) {
      continue;
    }
    partial_.erase(set.name);
    if (is_large(set)) {
      held_[set.name] = set.allow;
    }
  }
}

void LargeSets::distrust(const std::string& set) {
  held_.erase(set);
  std::erase_if(active_, [&set](const Active& one) { return one.set.name == set; });
}

bool LargeSets::incomplete(std::string_view owner) const {
  return std::any_of(partial_.begin(), partial_.end(), [owner](const std::string& set) {
    return set.compare(0, owner.size(), owner) == 0 && (set.compare(owner.size(), set.npos, "_allow4") == 0 ||
                                                        set.compare(owner.size(), set.npos, "_allow6") == 0);
  });
}

std::string LargeSets::progress() const {
  const Active& first = active_.front();
  return "allowlist " + first.set.name + ": " + std::to_string(first.pieces.handed_out()) + " of " +
         std::to_string(first.pieces.total());
}

bool LargeSets::advance() {
  if (!active_.front().pieces.done()) {
    return false;
  }
  held_[active_.front().set.name] = active_.front().set.allow;
  partial_.erase(active_.front().set.name);
  active_.pop_front();
  return true;
}

} // namespace healthgate::nft
