// What this kernel grants our table, tried in a namespace that exists for the trial alone.
#include "app/doctor/checks.hpp"
#include "app/doctor/privilege.hpp"
#include "nft/trial.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace healthgate::app::doctor {
namespace {

bool relays(const config::Config& config) {
  return std::any_of(config.gates.begin(), config.gates.end(),
                     [](const auto& gate) { return gate.guard == config::Guard::relay; });
}

bool wants_owner(const config::Config& config) {
  return config.table_owner == config::TableOwner::yes;
}

// What the host goes without when the kernel does not grant all of owner and persist.
void note_fallback(std::string_view mode, std::string evidence, const config::Config& config,
                   Findings& findings) {
  if (mode == nft::to_string(nft::TableMode::owner_persist) || config.table_owner == config::TableOwner::no) {
    return;
  }
  findings.push_back(
      {Severity::note, "", "",
       mode == nft::to_string(nft::TableMode::plain)
           ? "this kernel grants no owned table: other programs can change ours, and it is repaired"
           : "this kernel does not keep an owned table over a restart: gates close while the "
             "daemon is replaced after a crash",
       std::move(evidence), "", ""});
}

// Only what the daemon would notice as well: the trial is about kernels, not about configurations.
void judge(const nft::Trial& trial, const config::Config& config, Findings& findings) {
  const std::string mode(nft::to_string(trial.mode));
  if (!trial.obstacle.empty()) {
    findings.push_back(
        {Severity::error, "", "", "this kernel refuses healthgate's table", trial.obstacle,
         std::string("load the modules nf_tables, nf_reject_inet, nft_objref") +
             (relays(config) ? ", and for guard = relay nft_chain_nat, nft_masq, nft_hash and nft_fib_inet"
                             : "") +
             ", or use a kernel from 5.10 on",
         ""});
  } else if (trial.mode == nft::TableMode::plain && wants_owner(config)) {
    findings.push_back({Severity::error, "", "",
                        "table-owner = yes, and this kernel grants no owned table: the daemon does not start",
                        "tried in a namespace of its own: " + mode, "set table-owner = auto", ""});
  } else {
    note_fallback(mode, "tried in a namespace of its own: " + mode, config, findings);
  }
}

} // namespace

void check_kernel(const Subject& subject, Findings& findings) {
  if (subject.daemon.snapshot) {
    const std::string& mode = subject.daemon.snapshot->table_mode;
    if (!mode.empty()) {
      note_fallback(mode, "the running daemon was granted: " + mode, subject.config, findings);
    }
    return;
  }
  if (!may_read_rules()) {
    return;
  }
  const nft::Trial trial = nft::try_kernel(relays(subject.config));
  if (!trial.ran) {
    findings.push_back(
        {Severity::note, "", "",
         "whether this kernel can hold healthgate's table was not tried; the daemon tries at its start",
         trial.obstacle, "", ""});
    return;
  }
  judge(trial, subject.config, findings);
}

} // namespace healthgate::app::doctor
