#include "app/commands/daemon_client.hpp"

namespace healthgate::app {

int force_open_command(const Arguments& arguments) {
  auto request = make_request(control::Command::force_open);
  request.gate = arguments.operand(0);
  if (!take_duration_and_reason(arguments, request)) {
    return exit_unknown;
  }
  return carry_out(arguments, request);
}

} // namespace healthgate::app
