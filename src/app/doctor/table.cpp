// Our own table, as `healthgate audit` judges it.
#include "app/doctor/checks.hpp"
#include "app/doctor/privilege.hpp"
#include "app/ruleset_builder.hpp"
#include "nft/audit.hpp"

namespace healthgate::app::doctor {
namespace {

std::string summary(const nft::Audit& audit) {
  constexpr std::size_t most = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(audit.differences.size(), most); ++i) {
    text += (i == 0 ? "" : ", ") + audit.differences[i].where;
  }
  const std::size_t rest = audit.differences.size() - std::min(audit.differences.size(), most);
  return rest == 0 ? text : text + " and " + std::to_string(rest) + " more";
}

} // namespace

void check_table(const Subject& subject, Findings& findings) {
  if (!may_read_rules() || subject.daemon.kind != DaemonState::Kind::running) {
    return; // without a daemon there need be no table
  }
  const auto desired = build_ruleset(subject.config, 0, 0, [](const auto& /*gate*/) { return GateForm{}; });
  const auto audit = nft::audit(desired, nft::AuditScope::configuration);
  switch (audit.verdict) {
  case nft::AuditVerdict::same:
    return;
  case nft::AuditVerdict::unknown:
    findings.push_back(
        {Severity::unknown, "", "", "healthgate's own table could not be read", audit.why, "", ""});
    return;
  case nft::AuditVerdict::drift:
    findings.push_back({Severity::warning, "", "",
                        "the table in the kernel is not as configured: the configuration was changed and not "
                        "reloaded, or somebody changes the table",
                        summary(audit) + " differ", "healthgate audit, then healthgate reload", ""});
  }
}

} // namespace healthgate::app::doctor
