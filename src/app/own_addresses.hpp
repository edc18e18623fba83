// Which addresses this host has itself: one list of peers can then serve all nodes.
#pragma once

#include "core/allowlist.hpp"

#include <vector>

namespace healthgate::app {

// `addresses` without those of this host's interfaces; sorted, each once. Nothing is taken out when the
// interfaces cannot be read.
[[nodiscard]] std::vector<core::Address> without_own(std::vector<core::Address> addresses);

} // namespace healthgate::app
