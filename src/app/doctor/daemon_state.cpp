// The daemon itself, as its control socket tells.
#include "app/doctor/checks.hpp"

namespace healthgate::app::doctor {

void check_daemon(const Subject& subject, Findings& findings) {
  const DaemonState& daemon = subject.daemon;
  switch (daemon.kind) {
  case DaemonState::Kind::absent:
    findings.push_back({Severity::warning, "", "", "the daemon does not run, so every gate is closed",
                        daemon.why, "systemctl start healthgate", "systemctl enable healthgate"});
    return;
  case DaemonState::Kind::unreadable:
    findings.push_back({Severity::unknown, "", "",
                        "the daemon was not asked: neither who is denied nor who stopped asking is known",
                        daemon.why, "sudo healthgate doctor", ""});
    return;
  case DaemonState::Kind::running:
    break;
  }
  const core::Snapshot& snapshot = *daemon.snapshot;
  if (!snapshot.last_reload_ok) {
    findings.push_back({Severity::warning, "", "",
                        "the last reload was refused, so the daemon runs with what was configured before",
                        snapshot.last_reload_error, "healthgate check, then healthgate reload", ""});
  }
  for (const auto& gate : snapshot.gates) {
    if (!gate.override_ || gate.override_->kind != "drain") {
      continue;
    }
    findings.push_back({Severity::note, "", gate.name,
                        "drained by " + gate.override_->who + ", so it stays closed",
                        gate.override_->reason.empty() ? "no reason was given" : gate.override_->reason,
                        "healthgate auto " + gate.name, ""});
  }
}

} // namespace healthgate::app::doctor
