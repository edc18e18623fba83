// Probe of a file: it passes when the path exists, or when it does not, as configured. Of a symbolic link,
// what it leads to counts. A change is noticed by inotify and calls the hint at once.
//
// stat(2) and inotify_add_watch(2) run on the loop, so the path belongs on a local file system: a network
// file system whose server is silent would hold the whole daemon (and its leases would run out: every gate
// closes).
#pragma once

#include "config/config.hpp"
#include "core/ports.hpp"
#include "loop/event_loop.hpp"
#include "loop/inotify.hpp"
#include "probe/probe_run.hpp"

#include <optional>
#include <string>

namespace healthgate::probe {

class FileProber final : public core::Prober {
public:
  FileProber(loop::EventLoop& loop, const config::ProbeConfig& config, core::Duration timeout);

  void start(Done done) override;
  void cancel() override;
  void on_hint(Hint hint) override;

private:
  void path_changed();

  const std::string path_;
  const bool must_exist_;
  const core::Duration timeout_;
  ProbeRun run_;
  Hint hint_;
  std::optional<int> last_; // errno of the last stat(2), 0: it was there
  loop::PathWatch watch_;
};

} // namespace healthgate::probe
