// Probe by a script: it passes when the program ends with status 0 before the deadline.
//
// The program is run without a shell, in a session and process group of its own, with / as its directory,
// stdin empty, no descriptor of ours, no ambient capability, no_new_privs, no core dump, default signals, and
// this environment and no other:
//   PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin  LANG=C.UTF-8
//   HEALTHGATE_PROBE=the probe's name  HEALTHGATE_TIMEOUT_MS=what it has
// It runs as `user`; without that as the daemon's own user; but as root only where `user = root` says so: a
// daemon that is root runs it as nobody.
//
// When the program ends, whatever it left behind in its group is killed, and so is the group at the deadline:
// SIGKILL, at once. What leaves the group by setsid(2) is out of reach; the unit's cgroup holds it.
#pragma once

#include "base/unique_fd.hpp"
#include "config/config.hpp"
#include "core/ports.hpp"
#include "loop/child.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"
#include "probe/child_process.hpp"
#include "probe/probe_run.hpp"

#include <string>

namespace healthgate::probe {

class ExecProber final : public core::Prober {
public:
  // `config` has passed check(). `timeout` is absolute.
  ExecProber(loop::EventLoop& loop, const config::ProbeConfig& config, core::Duration timeout);
  ~ExecProber() override;
  ExecProber(const ExecProber&) = delete;
  ExecProber& operator=(const ExecProber&) = delete;

  void start(Done done) override;
  void cancel() override;
  void on_hint(Hint hint) override; // a script gives none

private:
  void read_output();
  void ended();
  void deadline_passed();
  void abandon();

  loop::EventLoop& loop_;
  const config::ProbeConfig config_;
  const core::Duration timeout_;
  const ChildSpec spec_;
  ProbeRun run_;
  ChildProcess child_; // of the run
  loop::IoWatch output_watch_;
  loop::ProcessWatch end_watch_;
  std::string output_;        // its first 4 KiB
  loop::ChildWatch leftover_; // was killed, and has not ended yet
};

} // namespace healthgate::probe
