// What each gate does, once or until interrupted.
#include "app/commands/daemon_client.hpp"
#include "app/commands/status_watch.hpp"
#include "app/commands/terminal.hpp"
#include "observe/json.hpp"
#include "observe/status_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace healthgate::app {
namespace {

int watch(const Arguments& arguments) {
  const auto socket = control_socket(arguments);
  if (!socket) {
    return complain(control::Command::status, socket.error(), exit_unknown);
  }
  return StatusWatch(socket.value(), arguments.operand(0), arguments.has("json")).run();
}

int exit_code_of(const core::Snapshot& snapshot) {
  const bool all_open = std::all_of(snapshot.gates.begin(), snapshot.gates.end(),
                                    [](const auto& gate) { return gate.applied == core::Applied::open; });
  return all_open ? exit_done : exit_no;
}

} // namespace

int status_command(const Arguments& arguments) {
  if (arguments.has("watch")) {
    return watch(arguments);
  }
  auto request = make_request(control::Command::status);
  request.gate = arguments.operand(0);
  const auto result = ask_daemon(arguments, request);
  if (!result) {
    return result.error();
  }
  const auto snapshot = observe::snapshot_from_json(result.value());
  if (!snapshot) {
    return complain(request.command, snapshot.error(), exit_unknown);
  }
  if (arguments.has("json")) {
    std::cout << nlohmann::ordered_json::parse(result.value()).dump(2) << "\n";
  } else {
    const auto width = on_terminal() ? terminal_size().columns : 0;
    std::cout << observe::status_text(snapshot.value(), {wants_colour(), width, request.gate});
  }
  return exit_code_of(snapshot.value());
}

} // namespace healthgate::app
