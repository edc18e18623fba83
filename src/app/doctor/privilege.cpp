// Whether this process may look at the host's rules.
#include "app/doctor/privilege.hpp"
#include "app/doctor/checks.hpp"

#include <linux/capability.h>

#include <cstring>
#include <fstream>

namespace healthgate::app::doctor {
namespace {

std::string effective_capabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("CapEff:", 0) == 0) {
      return line.substr(line.find_first_not_of(" \t", std::strlen("CapEff:")));
    }
  }
  return "";
}

} // namespace

bool may_read_rules() {
  const std::string mask = effective_capabilities();
  return !mask.empty() && ((std::stoull(mask, nullptr, 16) >> CAP_NET_ADMIN) & 1U) != 0;
}

void check_privilege(const Subject& /*subject*/, Findings& findings) {
  if (!may_read_rules()) {
    findings.push_back(
        {Severity::unknown, "", "",
         "this user may not read the host's rules, so neither other firewalls nor the kernel nor "
         "healthgate's own table were looked at",
         "CapEff " + effective_capabilities() + " in /proc/self/status lacks CAP_NET_ADMIN",
         "sudo healthgate doctor", ""});
  }
}

} // namespace healthgate::app::doctor
