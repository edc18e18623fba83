// What of a probe's configuration config/ cannot judge, because it takes the libraries of this folder or a
// look at this host: expressions, JSON values, the script, its user, the source address.
#pragma once

#include "config/config.hpp"

#include <optional>
#include <string>

namespace healthgate::probe {

// Called by app/ at `check`, at start and at a reload, before a prober is made. Returns the first sentence
// that is wrong, beginning with the key: "expect-body-regex: missing closing ]: [a-z". May ask the name
// service for `user`, which can block for as long as that takes.
[[nodiscard]] std::optional<std::string> check(const config::ProbeConfig& config);

} // namespace healthgate::probe
