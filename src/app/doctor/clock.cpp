// The clock: leases and probes run on the monotonic one, but history, log and metrics carry the other's time.
#include "app/doctor/checks.hpp"

#include <sys/timex.h>

#include <chrono>

namespace healthgate::app::doctor {
namespace {

using namespace std::chrono_literals;

// A daemon that says "open since tomorrow" has seen the clock set back.
void check_backward_step(const core::Snapshot& snapshot, Findings& findings) {
  for (const auto& gate : snapshot.gates) {
    const auto ahead = gate.since - snapshot.at;
    if (ahead > 2s) {
      findings.push_back(
          {Severity::warning, "", gate.name,
           "the clock was set back after the gate's last transition, so its times mislead",
           "last transition " +
               std::to_string(std::chrono::duration_cast<std::chrono::seconds>(ahead).count()) +
               " s in the future",
           "let chronyd or systemd-timesyncd slew the clock", ""});
      return;
    }
  }
}

} // namespace

void check_clock(const Subject& subject, Findings& findings) {
  timex clock{};
  const int state = ::adjtimex(&clock); // with no mode set it only reads
  if (state == TIME_ERROR || (clock.status & STA_UNSYNC) != 0) {
    findings.push_back(
        {Severity::note, "", "",
         "the clock is not synchronised, so times in the log and the history do not compare with "
         "those of other hosts; verdicts do not depend on it",
         "adjtimex: STA_UNSYNC", "enable chronyd or systemd-timesyncd", ""});
  }
  if (subject.daemon.snapshot) {
    check_backward_step(*subject.daemon.snapshot, findings);
  }
}

} // namespace healthgate::app::doctor
