#include "nft/keeper.hpp"

#include "nft/dump.hpp"
#include "nft/expected.hpp"
#include "nft/kernel_abi.hpp"

#include <algorithm>
#include <cerrno>

namespace healthgate::nft {
namespace {

// Rounds of read, compare and mend before the step is given up; the committer tries again later.
constexpr int reconcile_rounds = 4;
// A lease that runs out within this time may be gone by itself when the set is read.
constexpr auto lease_margin = 5 * longest_jiffy;

bool same_but_for_standing(const core::GuardRules& a, const core::GuardRules& b) {
  return a.mode == b.mode && a.ports == b.ports && a.peers == b.peers;
}

bool same_but_for_form(const core::GateRules& a, const core::GateRules& b) {
  return same_but_for_standing(a.guard, b.guard) && a.name == b.name && a.port == b.port &&
         a.lease == b.lease && a.denied == b.denied && (a.allow == b.allow || *a.allow == *b.allow);
}

bool same_port(const core::PortRules& a, const core::PortRules& b) {
  return a.name == b.name && a.port == b.port && (a.allow == b.allow || *a.allow == *b.allow);
}

// True when gates differ in form and comment at most.
bool only_toggles(const core::Ruleset& from, const core::Ruleset& to) {
  return from.nonce == to.nonce &&
         std::equal(from.gates.begin(), from.gates.end(), to.gates.begin(), to.gates.end(),
                    same_but_for_form) &&
         std::equal(from.ports.begin(), from.ports.end(), to.ports.begin(), to.ports.end(), same_port);
}

// The rest of a transaction's error says that the table is not as we believed, so that reading it again
// helps.
bool worth_reading_again(const NetlinkError& error) {
  return error.unknown || (error.error != EPERM && error.error != ENOMEM && error.error != EACCES);
}

} // namespace

Keeper::Keeper(NetlinkSocket& socket, const LeaseLedger& ledger)
    : socket_(socket), ledger_(ledger), batch_limit_bytes_(socket.batch_limit_bytes()) {}

Outcome Keeper::settled(Outcome outcome) {
  proven_ = true;
  outcome.in_sync = !large_.filling();
  if (outcome.in_sync) {
    proven_revision_ = desired_->revision;
  } else if (outcome.what.empty()) {
    outcome.what = large_.progress();
  }
  return outcome;
}

Outcome Keeper::failed(const NetlinkError& error, Outcome outcome) {
  proven_ = false;
  if (error.error == EMSGSIZE) {
    batch_limit_bytes_ /= 2; // the socket takes less than it said; the next try is split
  }
  outcome.in_sync = false;
  outcome.repaired = false;
  outcome.what += (outcome.what.empty() ? "" : "; ") + error.what;
  outcome.error = error.error;
  return outcome;
}

Outcome Keeper::apply(std::shared_ptr<const core::Ruleset> desired) {
  desired_ = std::move(desired);
  if (proven_ && committed_ && only_toggles(*committed_, *desired_)) {
    auto toggled = toggle(*desired_);
    if (toggled) {
      return settled({});
    }
    proven_ = false;
    if (!worth_reading_again(toggled.error())) {
      return failed(toggled.error(), {});
    }
  }
  return reconcile(false, false);
}

// flush chain NAME_gate, append its rules: for every gate whose form or comment is another, and likewise its
// guard's chains
Result<bool> Keeper::toggle(const core::Ruleset& to) {
  std::vector<Chain> rewritten;
  for (std::size_t i = 0; i < to.gates.size(); ++i) {
    const core::GateRules& was = committed_->gates[i];
    const core::GateRules& gate = to.gates[i];
    if ((was.form != gate.form || was.comment != gate.comment) && !large_.incomplete(gate.name)) {
      rewritten.push_back(verdict_chain(gate));
    }
    if (was.guard != gate.guard) {
      for (Chain& chain : guard_chains(gate)) {
        rewritten.push_back(std::move(chain));
      }
    }
  }
  Batch batch(batch_limit_bytes_);
  for (const Chain& chain : rewritten) {
    batch.flush_chain(chain.name);
    batch.append_rules(chain);
    batch.cut();
  }
  if (!batch.empty()) {
    if (auto done = socket_.commit(batch); !done) {
      return base::Failure{done.error()};
    }
  }
  for (Chain& chain : rewritten) {
    *find(expected_.chains, chain.name) = std::move(chain);
  }
  committed_ = desired_;
  return !rewritten.empty();
}

Outcome Keeper::verify() {
  return reconcile(true, false);
}

// `read_back`: somebody else may have changed the table; what differs is a repair, and leases are judged.
Outcome Keeper::reconcile(bool read_back, bool from_scratch) {
  Outcome outcome;
  const bool was_proven = proven_;
  for (int round = 0; round < reconcile_rounds; ++round) {
    auto agreed = reconcile_once(read_back, from_scratch, outcome);
    outcome.repaired = outcome.repaired && was_proven;
    if (!agreed) {
      if (!worth_reading_again(agreed.error()) || round + 1 == reconcile_rounds) {
        return failed(agreed.error(), outcome);
      }
      if (agreed.error().error == EMSGSIZE) {
        batch_limit_bytes_ /= 2;
      } else {
        from_scratch = from_scratch || round > 0; // mending was refused twice: make the table anew
      }
      continue;
    }
    from_scratch = false;
    if (agreed.value()) {
      return settled(std::move(outcome));
    }
    if (!read_back) {
      return settled(std::move(outcome)); // our own change, acknowledged
    }
  }
  return failed({EAGAIN, false, "the kernel's table still differs: " + outcome.what}, outcome);
}

// True when the kernel's table was found as it shall be; false after a transaction that mended it.
Result<bool> Keeper::reconcile_once(bool read_back, bool from_scratch, Outcome& outcome) {
  Table expected = expected_table(*desired_, flags_);
  close_waiting(expected, {});
  const Renewals before = renewals();
  auto found = read(expected);
  if (!found) {
    return base::Failure{found.error()};
  }
  std::vector<Change> changes = compare(found.value(), expected);
  if (from_scratch && found.value()) {
    changes.push_back({Part::table, Fault::differs, std::string(table_name)});
  }
  if (read_back) {
    if (auto judged = judge_leases(found.value(), before, outcome); !judged) {
      return base::Failure{judged.error()};
    }
  }
  if (changes.empty()) {
    expected_ = std::move(expected);
    committed_ = desired_;
    return true;
  }
  if (outcome.what.empty() && read_back) {
    outcome.what = summary(changes);
  }
  outcome.repaired = outcome.repaired || read_back;
  if (auto mended = mend(found.value(), expected, std::move(changes), outcome); !mended) {
    return base::Failure{mended.error()};
  }
  return false;
}

Result<std::optional<Table>> Keeper::read(const Table& expected) {
  const auto skip = large_.prepare(expected);
  DumpScope scope;
  scope.expected = &expected;
  scope.skip = &skip;
  auto found = dump_table(socket_, table_name, scope);
  if (found && found.value()) {
    Table& table = *found.value();
    large_.assume(table, expected);
    orphan_ = table.flags == flag_persist;
    if (orphan_) {
      table.flags = adopt_ ? flags_ : 0; // an orphan: as it will be once it is ours, or an ordinary table
    }
  }
  return found;
}

Result<void> Keeper::mend(const std::optional<Table>& found, Table& expected, std::vector<Change> changes,
                          Outcome& outcome) {
  const std::vector<std::string> anew = sets_to_fill_anew(found, expected, changes);
  if (!anew.empty()) {
    close_waiting(expected, anew);
    const bool table_differs = changes.back().part == Part::table;
    changes = compare(found, expected);
    if (table_differs && found) {
      changes.push_back({Part::table, Fault::differs, std::string(table_name)});
    }
  }
  Plan planned = plan(found, expected, changes, batch_limit_bytes_, adopt_ && found);
  if (auto done = socket_.commit(planned.batch); !done) {
    return done;
  }
  adopt_ = false;
  outcome.lease_lost = outcome.lease_lost || planned.lease_lost;
  large_.committed(expected, std::move(planned.fillings), anew);
  expected_ = std::move(expected);
  committed_ = desired_;
  return {};
}

// Gates whose allow set is not whole are closed, whatever is desired.
void Keeper::close_waiting(Table& expected, const std::vector<std::string>& anew) const {
  for (const core::GateRules& gate : desired_->gates) {
    const bool waits = large_.incomplete(gate.name) ||
                       std::any_of(anew.begin(), anew.end(), [&gate](const std::string& set) {
                         return set == gate.name + "_allow4" || set == gate.name + "_allow6";
                       });
    if (waits) {
      core::GateRules closed = gate;
      closed.form = core::ChainForm::closed;
      closed.comment = "closed: the allowlist is being loaded";
      *find(expected.chains, gate.name + "_gate") = verdict_chain(closed);
    }
  }
}

Keeper::Renewals Keeper::renewals() const {
  Renewals all;
  for (const core::GateRules& gate : desired_->gates) {
    for (const std::uint16_t port : leased_ports(gate)) {
      const auto when = ledger_.last_renewal(port);
      if (when && (port != gate.port || gate.form == core::ChainForm::open)) {
        all.emplace(port, *when);
      }
    }
  }
  return all;
}

// Takes out leases that no pulse can have made, and notices those that somebody took away.
Result<void> Keeper::judge_leases(const std::optional<Table>& found, const Renewals& before,
                                  Outcome& outcome) {
  const Set* lease = found ? find(found->sets, "lease") : nullptr;
  if (lease == nullptr) {
    return {}; // it will be made anew, and counts as lost then
  }
  const auto tampered = [&outcome](const std::string& what) {
    outcome.what += (outcome.what.empty() ? "" : ", ") + what;
    outcome.repaired = true;
    outcome.lease_lost = true;
  };
  if (lease->malformed) {
    Batch batch(batch_limit_bytes_);
    batch.flush_set("lease");
    tampered("set lease held an element for every port");
    return socket_.commit(batch);
  }
  for (const Element& element : forged_leases(*lease, *desired_)) {
    Batch batch(batch_limit_bytes_);
    batch.delete_elements("lease", std::span(&element, 1));
    auto done = socket_.commit(batch);
    if (!done && done.error().error == ENOENT) {
      continue; // it ran out meanwhile
    }
    if (!done) {
      return done;
    }
    tampered("set lease held a forged lease of port " + std::to_string(port_of(element.key)));
  }
  if (outcome.lease_lost) {
    return {}; // known already
  }
  for (const core::GateRules& gate : desired_->gates) {
    for (const std::uint16_t port : leased_ports(gate)) {
      const auto renewed = before.find(port);
      const bool listed =
          std::any_of(lease->elements.begin(), lease->elements.end(),
                      [port](const Element& element) { return element.key == port_key(port); });
      if (renewed != before.end() && !listed && ledger_.last_renewal(port).has_value() &&
          std::chrono::steady_clock::now() < renewed->second + gate.lease - lease_margin) {
        tampered("the lease of port " + std::to_string(port) + " was taken away");
      }
    }
  }
  return {};
}

Outcome Keeper::fill_step() {
  const DeltaPieces::Piece piece = large_.next();
  Batch batch(batch_limit_bytes_);
  batch.delete_intervals(large_.current(), piece.remove);
  batch.add_intervals(large_.current(), piece.add);
  if (auto done = socket_.commit(batch); !done) {
    large_.distrust(std::string(large_.current().name));
    return failed(done.error(), {});
  }
  if (!large_.advance()) {
    return settled({});
  }
  return reconcile(false, false); // opens the gate that waited, if it did
}

std::vector<Set> Keeper::large_sets() const {
  std::vector<Set> sets;
  std::copy_if(expected_.sets.begin(), expected_.sets.end(), std::back_inserter(sets), is_large);
  return sets;
}

Outcome Keeper::distrust(const std::string& set) {
  large_.distrust(set);
  return reconcile(true, false);
}

Result<void> Keeper::remove() {
  Batch batch(batch_limit_bytes_);
  batch.delete_table(table_name);
  proven_ = false;
  auto done = socket_.commit(batch);
  if (!done && done.error().error == ENOENT) {
    return {};
  }
  return done;
}

} // namespace healthgate::nft
