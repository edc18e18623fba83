// `watch-pid-file`: tells within a moment that the process named by a pid file has ended, by pidfd.
// A hint, never a verdict: a stale file, or one that lies, costs a probe at most.
#pragma once

#include "base/result.hpp"
#include "core/ports.hpp"
#include "loop/child.hpp"
#include "loop/event_loop.hpp"
#include "loop/inotify.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace healthgate::probe {

// The pid in the first line, with nothing else but white space around it: 2 to 2^22 - 1 (PID_MAX_LIMIT,
// proc(5)). More lines may follow, as PostgreSQL and HAProxy write them. A failure says what stands there
// instead: "holds ...".
[[nodiscard]] base::Result<pid_t, std::string> parse_pid_file(std::string_view content);

class PidFileWatch {
public:
  // Watches the file from now on; it need not exist yet. `ended` is called from the loop.
  PidFileWatch(loop::EventLoop& loop, std::filesystem::path path, core::Prober::Hint ended);

  // Reads the file again if no process is being watched. The file's changes are followed anyhow: this is for
  // when the service is known to live, as after a probe that passed, and its file was there before the
  // process it names. A process that has ended is not watched again until the file changes: a zombie has
  // ended too, and one that nobody reaps would cause a probe after the other.
  void refresh();
  // "" while a process is watched; else one sentence why not.
  [[nodiscard]] const std::string& problem() const { return problem_; }
  [[nodiscard]] pid_t watched() const { return pid_; } // 0: none

private:
  void changed();
  void read();
  void not_watched(std::string why);
  void ended();

  loop::EventLoop& loop_;
  const std::filesystem::path path_;
  const core::Prober::Hint ended_;
  pid_t pid_ = 0;
  pid_t last_ended_ = 0; // and the file is unchanged since
  std::string problem_;
  loop::ProcessWatch process_;
  loop::PathWatch file_;
};

} // namespace healthgate::probe
