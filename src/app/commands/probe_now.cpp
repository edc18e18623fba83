#include "app/commands/daemon_client.hpp"

namespace healthgate::app {

int probe_now_command(const Arguments& arguments) {
  auto request = make_request(control::Command::probe_now);
  request.gate = arguments.operand(0);
  return carry_out(arguments, request, long_answer_limit);
}

} // namespace healthgate::app
