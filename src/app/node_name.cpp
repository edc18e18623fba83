#include "app/node_name.hpp"

#include <climits>
#include <cstdlib>
#include <unistd.h>

namespace healthgate::app {

std::string node_name() {
  if (const char* name = std::getenv("HEALTHGATE_NODE"); name != nullptr && *name != 0) {
    return name;
  }
  char name[HOST_NAME_MAX + 1] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

} // namespace healthgate::app
