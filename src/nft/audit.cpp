#include "nft/audit.hpp"

#include "nft/diff.hpp"
#include "nft/dump.hpp"
#include "nft/expected.hpp"
#include "nft/intervals.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/text.hpp"

#include <algorithm>
#include <system_error>

namespace healthgate::nft {
namespace {

constexpr std::size_t most_elements_shown = 20;

core::Address to_address(const Bytes& octets) {
  core::Address address;
  address.family = octets.size() == 4 ? core::Family::ipv4 : core::Family::ipv6;
  std::copy_n(octets.begin(), std::min(octets.size(), address.bytes.size()), address.bytes.begin());
  return address;
}

// The nonce that the pulse chain asks for; 0 when it has none.
std::uint64_t nonce_in(const Table& table) {
  const Chain* pulse = find(table.chains, "pulse");
  if (pulse == nullptr || pulse->rules.empty()) {
    return 0;
  }
  const std::vector<Expr>& exprs = pulse->rules.back().exprs;
  for (std::size_t i = 0; i + 1 < exprs.size(); ++i) {
    const auto* load = std::get_if<expr::Payload>(&exprs[i]);
    const auto* cmp = std::get_if<expr::Cmp>(&exprs[i + 1]);
    if (load != nullptr && cmp != nullptr && load->len == 8 && cmp->data.size() == 8) {
      std::uint64_t nonce = 0;
      for (const char c : cmp->data) {
        nonce = nonce << 8 | static_cast<unsigned char>(c);
      }
      return nonce;
    }
  }
  return 0;
}

// Takes form and comment from the live chain where it is one of the two forms of `gate`.
void follow_form(core::GateRules& gate, const Table& table) {
  const Chain* live = find(table.chains, gate.name + "_gate");
  if (live == nullptr || live->rules.empty()) {
    return;
  }
  core::GateRules tried = gate;
  tried.comment = live->rules.front().comment;
  for (const core::ChainForm form : {core::ChainForm::open, core::ChainForm::closed}) {
    tried.form = form;
    if (live->rules == verdict_chain(tried).rules) {
      gate = tried;
      return;
    }
  }
}

std::vector<core::Address> addresses_in(const Set* set) {
  std::vector<core::Address> found;
  for (const Element& element : set == nullptr ? std::vector<Element>{} : set->elements) {
    found.push_back(to_address(element.key));
  }
  return found;
}

// Whom a NAME_relay sends to, in the order of its rules.
std::vector<core::Address> relayed_to(const Table& table, const core::GateRules& gate) {
  std::vector<core::Address> found;
  const Chain* relay = find(table.chains, gate.name + "_relay");
  for (const Rule& rule : relay == nullptr ? std::vector<Rule>{} : relay->rules) {
    for (const Expr& part : rule.exprs) {
      if (const auto* value = std::get_if<expr::Value>(&part)) {
        found.push_back(to_address(value->data));
      }
    }
  }
  return found;
}

// Takes comment and peers from the live table as far as the daemon may have chosen them: any of the known
// peers may be healthy.
void follow_guard(core::GuardRules& guard, core::GateRules& gate, const Table& table) {
  if (const Chain* live = find(table.chains, gate.name + "_guard"); live != nullptr && !live->rules.empty()) {
    guard.comment = live->rules.back().comment;
  }
  if (guard.peers_by_name) {
    guard.peers = addresses_in(find(table.sets, gate.name + "_peers4"));
    for (const core::Address& peer : addresses_in(find(table.sets, gate.name + "_peers6"))) {
      guard.peers.push_back(peer);
    }
    gate.allow = core::with_addresses(*gate.allow, guard.peers);
  }
  for (const core::Address& peer : relayed_to(table, gate)) {
    if (std::find(guard.peers.begin(), guard.peers.end(), peer) != guard.peers.end()) {
      guard.healthy.push_back(peer);
    }
  }
}

// What the daemon chooses as it runs is taken from the live table, so that only the configuration is
// compared.
core::Ruleset as_configured(core::Ruleset desired, const Table& table) {
  desired.nonce = nonce_in(table);
  for (core::GateRules& gate : desired.gates) {
    follow_form(gate, table);
    follow_guard(gate.guard, gate, table);
  }
  return desired;
}

std::string listed(const std::vector<Interval>& intervals, std::size_t key_len) {
  std::string text;
  for (std::size_t i = 0; i < std::min(intervals.size(), most_elements_shown); ++i) {
    text += (i == 0 ? "" : ", ") + to_text(intervals[i], key_len);
  }
  if (intervals.size() > most_elements_shown) {
    text += " and " + std::to_string(intervals.size() - most_elements_shown) + " more";
  }
  return text;
}

class Explainer {
public:
  Explainer(const std::optional<Table>& found, const Table& expected) : found_(found), expected_(expected) {}

  [[nodiscard]] Difference explain(const Change& change) const {
    switch (change.part) {
    case Part::table:
      return explain_table(change);
    case Part::object:
      return {"counter " + printable(change.name), text_of(expected_.objects, change.name),
              text_of(found_->objects, change.name)};
    case Part::set:
      return {"set " + printable(change.name), text_of(expected_.sets, change.name),
              text_of(found_->sets, change.name)};
    case Part::elements:
      return explain_elements(change);
    case Part::chain:
    case Part::rules:
      return {"chain " + printable(change.name), text_of(expected_.chains, change.name),
              text_of(found_->chains, change.name)};
    case Part::flowtable:
      return {"flowtable " + printable(change.name), "", "\tflowtable " + printable(change.name) + "\n"};
    }
    return {};
  }

private:
  template <typename T> static std::string text_of(const std::vector<T>& all, const std::string& name) {
    const T* one = find(all, name);
    if (one == nullptr) {
      return {};
    }
    if constexpr (std::is_same_v<T, Chain>) {
      return to_text(*one, Nonce::hidden);
    } else {
      return to_text(*one);
    }
  }

  [[nodiscard]] Difference explain_table(const Change& change) const {
    const std::string head = "table inet " + std::string(table_name);
    if (change.fault == Fault::missing) {
      return {head, head, ""};
    }
    return {head, flags_text(expected_.flags), flags_text(found_->flags)};
  }
  static std::string flags_text(std::uint32_t flags) {
    return std::string((flags & flag_dormant) != 0 ? "flags dormant"
                       : (flags & flag_owner) != 0 ? "flags owner"
                                                   : "no flags");
  }

  // Only what differs: an allowlist may be long.
  [[nodiscard]] Difference explain_elements(const Change& change) const {
    const Set& expected = *find(expected_.sets, change.name);
    const Set& found = *find(found_->sets, change.name);
    const std::string where = "elements of " + change.name;
    if (expected.role != SetRole::allow) {
      return {where, to_text(expected), to_text(found)};
    }
    const core::Family family = expected.key_len == 4 ? core::Family::ipv4 : core::Family::ipv6;
    const IntervalDelta differing = delta(found.intervals, intervals_of(*expected.allow, family));
    return {where, listed(differing.add, expected.key_len),
            listed(differing.remove, expected.key_len) +
                (found.malformed ? " (and an element for any address)" : "")};
  }

  const std::optional<Table>& found_;
  const Table& expected_;
};

Result<std::optional<Table>> read_live(const Table* expected) {
  try {
    NetlinkSocket socket("audit");
    DumpScope scope;
    scope.expected = expected;
    scope.foreign = expected == nullptr;
    return dump_table(socket, table_name, scope);
  } catch (const std::system_error& error) {
    return base::Failure{NetlinkError{error.code().value(), false, error.what()}};
  }
}

} // namespace

Audit audit(const core::Ruleset& desired, AuditScope scope) {
  const Table roles = expected_table(desired, 0);
  const auto live = read_live(&roles);
  Audit result;
  if (!live) {
    result.why = live.error().what;
    return result;
  }
  const std::optional<Table>& found = live.value();
  const core::Ruleset wanted =
      found && scope == AuditScope::configuration ? as_configured(desired, *found) : desired;
  // How the table is held is not the configuration's to say, but a dormant one does nothing.
  const Table expected = expected_table(wanted, found ? found->flags & ~flag_dormant : 0);
  const Explainer explainer(found, expected);
  for (const Change& change : compare(found, expected)) {
    result.differences.push_back(explainer.explain(change));
  }
  if (const Set* lease = found ? find(found->sets, "lease") : nullptr) {
    for (const Element& element : forged_leases(*lease, wanted)) {
      result.differences.push_back({"elements of lease", "", to_text(element, *lease)});
    }
    if (lease->malformed) {
      result.differences.push_back({"elements of lease", "", "an element for every port"});
    }
  }
  result.verdict = result.differences.empty() ? AuditVerdict::same : AuditVerdict::drift;
  return result;
}

Result<std::string> describe_live(Nonce nonce) {
  const auto live = read_live(nullptr);
  if (!live) {
    return base::Failure{live.error()};
  }
  return live.value() ? to_text(*live.value(), nonce) : std::string();
}

} // namespace healthgate::nft
