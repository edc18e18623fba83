// A full connection table drops every new connection of a host that tracks them.
#include "app/doctor/conntrack.hpp"
#include "app/doctor/checks.hpp"

#include <fstream>

namespace healthgate::app::doctor {
namespace {

std::optional<std::uint64_t> read_number(const char* path) {
  std::ifstream file(path);
  std::uint64_t number = 0;
  return file >> number ? std::optional(number) : std::nullopt;
}

} // namespace

std::optional<Finding> judge_conntrack(std::uint64_t count, std::uint64_t limit) {
  if (limit == 0 || count < limit / 5 * 4) { // 0: no limit
    return {};
  }
  const bool full = count >= limit - limit / 50;
  Finding finding;
  finding.severity = full ? Severity::error : Severity::warning;
  finding.what =
      full ? "the connection table is full, so the load balancer's SYNs are dropped at random"
           : "the connection table is nearly full; when it is, the load balancer's SYNs are dropped";
  finding.evidence =
      "nf_conntrack_count " + std::to_string(count) + " of nf_conntrack_max " + std::to_string(limit);
  finding.remedy = "sysctl -w net.netfilter.nf_conntrack_max=" + std::to_string(limit * 2);
  finding.lasting = "the same key in /etc/sysctl.d/; or find who fills it: conntrack -L | sort";
  return finding;
}

void check_conntrack(const Subject& /*subject*/, Findings& findings) {
  const auto count = read_number("/proc/sys/net/netfilter/nf_conntrack_count");
  const auto limit = read_number("/proc/sys/net/netfilter/nf_conntrack_max");
  if (count && limit) { // otherwise nothing is tracked here
    if (auto finding = judge_conntrack(*count, *limit)) {
      findings.push_back(*std::move(finding));
    }
  }
}

} // namespace healthgate::app::doctor
