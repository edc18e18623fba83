#include "app/commands/command.hpp"
#include "healthgate_version.hpp"

#include <iostream>

namespace healthgate::app {

int version_command(const Arguments& /*arguments*/) {
  std::cout << "healthgate " HEALTHGATE_VERSION "\n";
  return exit_done;
}

} // namespace healthgate::app
