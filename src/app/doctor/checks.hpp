// The checks of `healthgate doctor`. Each looks at one thing of the calling thread's host and namespace,
// changes nothing, and appends what it found; silence means that nothing stands in the way. What cannot be
// read is a finding too.
#pragma once

#include "app/doctor/finding.hpp"
#include "config/config.hpp"

namespace healthgate::app::doctor {

// Settings that are allowed and still surprise: the lint of `healthgate check`.
void check_time_budget(const config::Config& config, Findings& findings);

// May this process write nftables at all, and may the daemon's user.
void check_capability(Findings& findings);

// Ports of gates that another program holds. A gate of the running daemon is its own holder.
void check_ports(const config::Config& config, Findings& findings);

} // namespace healthgate::app::doctor
