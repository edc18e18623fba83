#include "nft/audit.hpp"
#include "app/commands/config_source.hpp"
#include "app/ruleset_builder.hpp"

#include <nlohmann/json.hpp>

#include <iostream>

namespace healthgate::app {
namespace {

using nlohmann::json;

const char* name_of(nft::AuditVerdict verdict) {
  switch (verdict) {
  case nft::AuditVerdict::same:
    return "same";
  case nft::AuditVerdict::drift:
    return "drift";
  case nft::AuditVerdict::unknown:
    return "unknown";
  }
  return "";
}

int exit_code(nft::AuditVerdict verdict) {
  switch (verdict) {
  case nft::AuditVerdict::same:
    return exit_done;
  case nft::AuditVerdict::drift:
    return exit_no;
  case nft::AuditVerdict::unknown:
    return exit_unknown;
  }
  return exit_unknown;
}

void print_lines(char sign, const std::string& text) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto end = std::min(text.find('\n', begin), text.size());
    std::cout << sign << ' ' << text.substr(begin, end - begin) << "\n";
    begin = end + 1;
  }
}

void print_text(const nft::Audit& audit) {
  switch (audit.verdict) {
  case nft::AuditVerdict::same:
    std::cout << "the kernel's table is as configured\n";
    return;
  case nft::AuditVerdict::unknown:
    std::cerr << "healthgate audit: cannot tell: " << audit.why << "\n";
    return;
  case nft::AuditVerdict::drift:
    break;
  }
  std::cout << "--- configured\n+++ in the kernel\n";
  for (const auto& difference : audit.differences) {
    std::cout << "@@ " << difference.where << " @@\n";
    print_lines('-', difference.expected);
    print_lines('+', difference.found);
  }
}

} // namespace

int audit_command(const Arguments& arguments) {
  const auto config = load_or_complain(arguments);
  if (!config) {
    return exit_unknown;
  }
  const auto desired = build_ruleset(*config, 0, 0, [](const auto& /*gate*/) { return GateForm{}; });
  const auto audit = nft::audit(desired, nft::AuditScope::configuration);
  if (!arguments.has("json")) {
    print_text(audit);
    return exit_code(audit.verdict);
  }
  auto differences = json::array();
  for (const auto& difference : audit.differences) {
    differences.push_back(
        {{"where", difference.where}, {"expected", difference.expected}, {"found", difference.found}});
  }
  const json report = {{"verdict", name_of(audit.verdict)}, {"why", audit.why}, {"differences", differences}};
  std::cout << report.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
  return exit_code(audit.verdict);
}

} // namespace healthgate::app
