#include "nft/dump.hpp"

#include "nft/kernel_abi.hpp"
#include "nft/parse.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>

namespace healthgate::nft {
namespace {

void put_text(nlmsghdr& message, int type, std::string_view text) {
  mnl_attr_put_strz(&message, static_cast<std::uint16_t>(type), std::string(text).c_str());
}

// One conversation a kind of object, all about the same table.
class Dumper {
public:
  Dumper(NetlinkSocket& socket, std::string_view name, const DumpScope& scope)
      : socket_(socket), name_(name), scope_(scope) {
    if (scope.expected != nullptr) {
      for (const Set& set : scope.expected->sets) {
        roles_.emplace(set.name, set.role);
      }
    }
  }

  Result<std::optional<Table>> run() {
    if (auto done = read_table(); !done) {
      if (done.error().error == ENOENT) {
        return std::optional<Table>{};
      }
      return base::Failure{done.error()};
    }
    for (auto step : {&Dumper::read_objects, &Dumper::read_sets, &Dumper::read_chains, &Dumper::read_rules}) {
      if (auto done = (this->*step)(); !done) {
        return base::Failure{done.error()};
      }
    }
    // The kernel's own count tells of what was not listed, so that the usual case needs no dump of flow
    // tables.
    if (table_.use > table_.objects.size() + table_.sets.size() + table_.chains.size()) {
      if (auto done = read_flowtables(); !done) {
        return base::Failure{done.error()};
      }
    }
    for (Set& set : table_.sets) {
      if (auto done = read_elements(set); !done) {
        return base::Failure{done.error()};
      }
    }
    return std::optional<Table>(std::move(table_));
  }

private:
  Result<void> read_table() {
    return socket_.request(
        NFT_MSG_GETTABLE, 0, [this](nlmsghdr& message) { put_text(message, NFTA_TABLE_NAME, name_); }, [] {},
        [this](const nlmsghdr& message) {
          if (std::optional<Table> table = parse_table(message, name_)) {
            table_ = *std::move(table);
          }
        });
  }

  Result<void> read_objects() {
    return socket_.request(
        NFT_MSG_GETOBJ, NLM_F_DUMP, [this](nlmsghdr& message) { put_text(message, NFTA_OBJ_TABLE, name_); },
        [this] { table_.objects.clear(); },
        [this](const nlmsghdr& message) {
          if (std::optional<CounterRow> row = parse_object(message, name_)) {
            table_.objects.push_back(std::move(row->object));
          }
        });
  }

  Result<void> read_sets() {
    return socket_.request(
        NFT_MSG_GETSET, NLM_F_DUMP, [this](nlmsghdr& message) { put_text(message, NFTA_SET_TABLE, name_); },
        [this] { table_.sets.clear(); },
        [this](const nlmsghdr& message) {
          if (std::optional<Set> set = parse_set(message, name_)) {
            const auto role = roles_.find(set->name);
            set->role = role == roles_.end() ? SetRole::foreign : role->second;
            table_.sets.push_back(*std::move(set));
          }
        });
  }

  // The kernel has no filter by table here: it lists the chains of every `inet` table, some 0.2 µs each.
  Result<void> read_chains() {
    return socket_.request(
        NFT_MSG_GETCHAIN, NLM_F_DUMP, [](nlmsghdr&) {},
        [this] {
          table_.chains.clear();
          chain_index_.clear();
        },
        [this](const nlmsghdr& message) {
          if (std::optional<Chain> chain = parse_chain(message, name_)) {
            chain_index_.emplace(chain->name, table_.chains.size());
            table_.chains.push_back(*std::move(chain));
          }
        });
  }

  Result<void> read_rules() {
    return socket_.request(
        NFT_MSG_GETRULE, NLM_F_DUMP, [this](nlmsghdr& message) { put_text(message, NFTA_RULE_TABLE, name_); },
        [this] {
          for (Chain& chain : table_.chains) {
            chain.rules.clear();
          }
        },
        [this](const nlmsghdr& message) {
          if (std::optional<RuleRow> row = parse_rule(message, name_)) {
            if (const auto index = chain_index_.find(row->chain); index != chain_index_.end()) {
              table_.chains[index->second].rules.push_back(std::move(row->rule));
            }
          }
        });
  }

  Result<void> read_flowtables() {
    return socket_.request(
        NFT_MSG_GETFLOWTABLE, NLM_F_DUMP,
        [this](nlmsghdr& message) { put_text(message, NFTA_FLOWTABLE_TABLE, name_); },
        [this] { table_.flowtables.clear(); },
        [this](const nlmsghdr& message) {
          if (std::optional<std::string> name = parse_flowtable(message, name_)) {
            table_.flowtables.push_back(*std::move(name));
          }
        });
  }

  [[nodiscard]] bool wanted(const Set& set) const {
    if (scope_.skip != nullptr && scope_.skip->count(set.name) != 0) {
      return false;
    }
    switch (set.role) {
    case SetRole::fixed:
    case SetRole::allow:
    case SetRole::lease:
      return true;
    case SetRole::sources:
    case SetRole::foreign:
      return scope_.foreign;
    }
    return false;
  }

  Result<void> read_elements(Set& set) {
    if (!wanted(set)) {
      set.elements_known = false;
      return {};
    }
    const bool interval = (set.flags & NFT_SET_INTERVAL) != 0;
    IntervalCollector intervals(set.key_len);
    auto done = socket_.request(
        NFT_MSG_GETSETELEM, NLM_F_DUMP,
        [this, &set](nlmsghdr& message) {
          put_text(message, NFTA_SET_ELEM_LIST_TABLE, name_);
          put_text(message, NFTA_SET_ELEM_LIST_SET, set.name);
        },
        [&set, &intervals] {
          set.elements.clear();
          set.malformed = false;
          intervals = IntervalCollector(set.key_len);
        },
        [&set, &intervals, interval](const nlmsghdr& message) {
          parse_elements(message, [&](ElementRow row) {
            if (interval) {
              intervals.add(row.element.key, row.interval_end);
            } else if (row.element.key.size() == set.key_len) {
              set.elements.push_back(std::move(row.element));
            } else {
              set.malformed = true; // a catch-all element has no key
            }
          });
        });
    // A set that went away between two requests is simply not there; the comparison will miss it.
    if (!done && done.error().error == ENOENT) {
      set.elements_known = false;
      return {};
    }
    if (interval) {
      set.intervals = intervals.take(set.malformed);
    }
    std::sort(set.elements.begin(), set.elements.end(),
              [](const Element& a, const Element& b) { return a.key < b.key; });
    return done;
  }

  NetlinkSocket& socket_;
  std::string_view name_;
  const DumpScope& scope_;
  std::unordered_map<std::string, SetRole> roles_;
  std::unordered_map<std::string, std::size_t> chain_index_;
  Table table_;
};

void decrement(std::array<std::uint8_t, 16>& key, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) {
    if (key[i]-- != 0) {
      return;
    }
  }
}

} // namespace

void IntervalCollector::add(const Bytes& key, bool end) {
  Boundary boundary{{}, end};
  if (key.size() != key_len_ || key.size() > boundary.key.size()) {
    malformed_ = true; // a catch-all element has no key
    return;
  }
  std::memcpy(boundary.key.data(), key.data(), key.size());
  // nft begins a set with an end at zero, "nothing before the first"; it ends no interval.
  if (end && boundary.key == std::array<std::uint8_t, 16>{}) {
    return;
  }
  boundaries_.push_back(boundary);
}

std::vector<Interval> IntervalCollector::take(bool& malformed) {
  std::sort(boundaries_.begin(), boundaries_.end(), [](const Boundary& a, const Boundary& b) {
    return a.key != b.key ? a.key < b.key : a.end && !b.end; // neighbours: one ends where the next begins
  });
  std::vector<Interval> intervals;
  intervals.reserve(boundaries_.size() / 2 + 1);
  bool open = false;
  for (const Boundary& boundary : boundaries_) {
    if (boundary.end != open) {
      malformed_ = true;
      continue;
    }
    if (boundary.end) {
      intervals.back().last = boundary.key;
      decrement(intervals.back().last, key_len_);
    } else {
      intervals.push_back({boundary.key, {}});
    }
    open = !open;
  }
  if (open) { // to the end of the address space
    std::fill_n(intervals.back().last.begin(), key_len_, std::uint8_t{0xff});
  }
  malformed = malformed_;
  return intervals;
}

Result<std::optional<Table>> dump_table(NetlinkSocket& socket, std::string_view name,
                                        const DumpScope& scope) {
  return Dumper(socket, name, scope).run();
}

} // namespace healthgate::nft
