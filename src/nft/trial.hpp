// Whether this kernel can hold our table, tried with the real one in a network namespace that exists for the
// trial alone: the host's rules are not touched. Never concluded from a version.
#pragma once

#include "nft/features.hpp"

#include <string>

namespace healthgate::nft {

struct Trial {
  bool ran = false;
  std::string obstacle; // why it did not run, or what the kernel refused; "" when all went well
  TableMode mode = TableMode::plain;
};

// Builds a namespace, installs a table with one gate, opens and closes its lease by pulses, and throws all of
// it away: 10 to 50 ms. Needs CAP_SYS_ADMIN for the namespace. `relay`: with a guard that relays, which takes
// more of a kernel.
Trial try_kernel(bool relay);

} // namespace healthgate::nft
