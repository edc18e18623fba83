// The checks of `healthgate doctor`: one topic a file, one row a check in checks.cpp. Each looks at one thing
// of the calling thread's host and namespace, changes nothing, and appends what it found; silence means that
// nothing stands in the way. What cannot be read is a finding too.
#pragma once

#include "app/doctor/finding.hpp"
#include "app/doctor/subject.hpp"

#include <string_view>
#include <vector>

namespace healthgate::app::doctor {

struct Check {
  std::string_view name; // of the findings
  void (*run)(const Subject& subject, Findings& findings);
};

[[nodiscard]] const std::vector<Check>& all_checks();

// Runs every check; the worst findings first. A check that throws has found that it cannot tell.
[[nodiscard]] Findings examine(const Subject& subject);

void check_privilege(const Subject& subject, Findings& findings);      // privilege.cpp
void check_daemon(const Subject& subject, Findings& findings);         // daemon_state.cpp
void check_table(const Subject& subject, Findings& findings);          // table.cpp
void check_kernel(const Subject& subject, Findings& findings);         // kernel.cpp
void check_ports(const Subject& subject, Findings& findings);          // ports.cpp
void check_allow(const Subject& subject, Findings& findings);          // allow.cpp
void check_askers(const Subject& subject, Findings& findings);         // askers.cpp
void check_routes(const Subject& subject, Findings& findings);         // routes.cpp
void check_firewalls(const Subject& subject, Findings& findings);      // firewalls.cpp
void check_conntrack(const Subject& subject, Findings& findings);      // conntrack.cpp
void check_relay(const Subject& subject, Findings& findings);          // relay.cpp
void check_saved_rulesets(const Subject& subject, Findings& findings); // saved_rulesets.cpp
void check_clock(const Subject& subject, Findings& findings);          // clock.cpp
void check_time_budget(const Subject& subject, Findings& findings);    // allow.cpp

} // namespace healthgate::app::doctor
