// Keeper's beginning: what to do with the table that is there, if one is.
#include "nft/dump.hpp"
#include "nft/expected.hpp"
#include "nft/keeper.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/table_flags.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace healthgate::nft {
namespace {

[[noreturn]] void cannot_start(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), "installing the table inet healthgate: " + what);
}

// The open form of a gate's chain, whatever its comment: the comment; else nothing.
const std::string* open_form_comment(const Table& found, const core::GateRules& gate) {
  const Chain* live = find(found.chains, gate.name + "_gate");
  if (live == nullptr || live->rules.empty()) {
    return nullptr;
  }
  core::GateRules open = gate;
  open.form = core::ChainForm::open;
  open.comment = live->rules.front().comment;
  return live->rules == verdict_chain(open).rules ? &live->rules.front().comment : nullptr;
}

const Element* find_element(const Set* set, const Bytes& key) {
  if (set == nullptr) {
    return nullptr;
  }
  const auto element = std::find_if(set->elements.begin(), set->elements.end(),
                                    [&key](const Element& e) { return e.key == key; });
  return element == set->elements.end() ? nullptr : &*element;
}

} // namespace

// Gates of `initial` that are open in `found`, their lease running, stay open; the others are closed.
void Keeper::keep_adoptable(core::Ruleset& initial, const Table& found, StartReport& report) const {
  for (core::GateRules& gate : initial.gates) {
    const std::string* comment = open_form_comment(found, gate);
    const Element* lease = find_element(find(found.sets, "lease"), port_key(gate.port));
    const Element* jump = find_element(find(found.sets, "gates"), port_key(gate.port));
    const bool dispatched = jump != nullptr && jump->verdict == expr::Verdict{NFT_JUMP, gate.name};
    if (comment == nullptr || lease == nullptr || !dispatched || !lease->expiration ||
        *lease->expiration > gate.lease + 2 * longest_jiffy) {
      continue;
    }
    gate.form = core::ChainForm::open;
    gate.comment = *comment;
    report.adopted.push_back({gate.name, gate.port, *lease->expiration, *comment});
  }
}

StartReport Keeper::install(const core::Ruleset& initial, OwnerPolicy policy, Leases leases) {
  auto granted = granted_flags(socket_, policy);
  if (!granted) {
    cannot_start(granted.error().error, granted.error().what);
  }
  flags_ = granted.value();

  auto closed = std::make_shared<core::Ruleset>(initial);
  for (core::GateRules& gate : closed->gates) {
    gate.form = core::ChainForm::closed;
  }
  desired_ = closed;

  auto found = read(expected_table(*closed, flags_));
  if (!found) {
    cannot_start(found.error().error, found.error().what);
  }
  StartReport report;
  bool from_scratch = false;
  if (const std::optional<Table>& table = found.value()) {
    if ((table->flags & flag_owner) != 0 && table->owner != 0 && table->owner != socket_.portid()) {
      cannot_start(EPERM, "it belongs to another process, netlink port " + std::to_string(table->owner));
    }
    const bool inherited = (table->flags & flag_owner) != 0 && table->owner == socket_.portid();
    adopt_ = orphan_ && flags_ == (flag_owner | flag_persist);
    from_scratch = leases == Leases::flush || (policy == OwnerPolicy::required && !adopt_ && !inherited);
    if (!from_scratch) {
      flags_ = inherited ? table->flags & (flag_owner | flag_persist)
               : adopt_  ? flags_
                         : 0; // a table that is not owned can never be (nft-findings, 3)
      keep_adoptable(*closed, *table, report);
      report.took_over = true;
    }
  }
  Outcome outcome = reconcile(true, from_scratch);
  if (outcome.error != 0) {
    cannot_start(outcome.error, outcome.what);
  }
  if (outcome.lease_lost) {
    report.adopted.clear();
  }
  report.mode = mode_of(flags_);
  return report;
}

} // namespace healthgate::nft
