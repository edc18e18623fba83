#include "app/commands/daemon_client.hpp"

namespace healthgate::app {

int auto_command(const Arguments& arguments) {
  auto request = make_request(control::Command::automatic);
  if (!take_gate_or_all(arguments, request)) {
    return exit_unknown;
  }
  return carry_out(arguments, request);
}

} // namespace healthgate::app
