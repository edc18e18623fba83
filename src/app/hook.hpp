// on-transition: a program that is told the gate's whole state after the gate has moved, and once at start.
//
//   /path GATE open|closed        without a shell, as exec_prober.hpp says: a session of its own, / as its
//                                 directory, stdin empty, no capability, as the daemon's own user, and
//   PATH LANG                     as for probes
//   HEALTHGATE_GATE  HEALTHGATE_PORT  HEALTHGATE_NODE
//   HEALTHGATE_STATE              open, closed
//   HEALTHGATE_SINCE              2026-11-22T02:05:42Z
//   HEALTHGATE_REASON             HTTP 500
//   HEALTHGATE_OVERRIDE           drain, force-open, or empty
//   HEALTHGATE_WHO                who ordered that, or empty
//
// One at a time: what happens meanwhile is told by one more run, with the state of then. At its deadline its
// process group is killed. It is started and forgotten: nothing waits for it, and its failure is a line in
// the log.
#pragma once

#include "core/time.hpp"
#include "loop/event_loop.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

namespace healthgate::app {

// What programs beside us are told of a gate: always all of it.
struct GateNews {
  std::string gate;
  std::uint16_t port = 0;
  bool open = false;
  core::WallTime since{};
  std::string reason;
  std::string override_kind; // drain, force-open, or ""
  std::string override_who;

  // Whether it is the same but for its words: a closed gate's reason changes with its probes, and its time
  // when it is about to open.
  [[nodiscard]] bool same_state(const GateNews& other) const {
    return open == other.open && override_kind == other.override_kind && override_who == other.override_who &&
           port == other.port;
  }
};

class Hook {
public:
  explicit Hook(loop::EventLoop& loop);
  // A program that runs goes on, and is killed at its deadline all the same.
  ~Hook();
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  // Which program, and its deadline; an empty path: none.
  void configure(const std::filesystem::path& program, std::chrono::milliseconds timeout);
  // Runs it with that; now, or when the run under way has ended.
  void tell(const GateNews& news);
  [[nodiscard]] bool running() const;

private:
  class Runner;
  std::shared_ptr<Runner> runner_; // the loop keeps it while a program runs
};

} // namespace healthgate::app
