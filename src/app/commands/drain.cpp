#include "app/commands/daemon_client.hpp"

namespace healthgate::app {

int drain_command(const Arguments& arguments) {
  auto request = make_request(control::Command::drain);
  if (!take_gate_or_all(arguments, request) || !take_duration_and_reason(arguments, request)) {
    return exit_unknown;
  }
  return carry_out(arguments, request);
}

} // namespace healthgate::app
