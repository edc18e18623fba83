#include "app/commands/daemon_client.hpp"

namespace healthgate::app {

int reload_command(const Arguments& arguments) {
  return carry_out(arguments, make_request(control::Command::reload), long_answer_limit);
}

} // namespace healthgate::app
