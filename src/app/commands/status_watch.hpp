// `healthgate status --watch`: until interrupted, over restarts of the daemon.
//
//   on a terminal   the status, drawn in place
//   with --json     each status as a line
//   otherwise       a line for each gate at first, and for each change of one
#pragma once

#include "app/commands/command.hpp"
#include "app/commands/terminal.hpp"
#include "control/client.hpp"
#include "core/snapshot.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"
#include "loop/signal.hpp"

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace healthgate::app {

class StatusWatch {
public:
  StatusWatch(std::filesystem::path socket, std::string gate, bool json);

  // The exit code: 2, with a sentence on stderr, when the daemon cannot be reached at the beginning or does
  // not know the gate; 0 when interrupted.
  int run();

private:
  void connect();
  void on_readable();
  void take(const control::Response& response);
  void lose(const std::string& sentence);
  void show();
  void print_changes();
  void tell(const std::string& sentence);
  void on_beat();
  void on_signal(int number);
  void end(int code);

  std::filesystem::path socket_;
  std::string gate_;
  bool json_;
  loop::EventLoop loop_;
  std::unique_ptr<Screen> screen_; // none: not on a terminal, or nothing to show yet
  std::optional<control::Client> client_;
  loop::IoWatch readable_; // of client_
  loop::IoWatch output_;   // of standard output, when it is a pipe: tells that its reader has gone
  std::optional<core::Snapshot> snapshot_;
  std::map<std::string, std::string> printed_; // gate -> its last line
  std::string trouble_;                        // "" or why what is shown is old
  core::TimePoint heard_{};                    // when the last status came
};

} // namespace healthgate::app
