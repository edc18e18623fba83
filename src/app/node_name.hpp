// How this machine is called where the gate's state is told.
#pragma once

#include <string>

namespace healthgate::app {

// HEALTHGATE_NODE, as a pod's manifest sets it, or the host's name.
[[nodiscard]] std::string node_name();

} // namespace healthgate::app
