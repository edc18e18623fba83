// What of a probe's configuration config/ cannot judge, because it takes the libraries of this folder or a
// look at this host: expressions, JSON values, the script, its user, the source address.
#pragma once

#include "config/config.hpp"

#include <string>
#include <vector>

namespace healthgate::probe {

struct CheckProblem {
  std::string key;      // "expect-body-regex"
  std::string value;    // "[a-z"
  std::string sentence; // "missing closing ]: [a-z"
};

// Called by app/ at `check`, at start and at a reload, before a prober is made. Returns all that is wrong.
// May ask the name service for `user`, which can block for as long as that takes.
[[nodiscard]] std::vector<CheckProblem> check(const config::ProbeConfig& config);

} // namespace healthgate::probe
