// Addresses at which others' rules may begin to judge sources differently, to choose whom to judge in a block
// of addresses.
#pragma once

#include "nft/host_rules.hpp"

#include <vector>

namespace healthgate::nft {

// Every address that stands in a comparison, a range or a set: sorted, none twice. May hold numbers that only
// look like addresses.
std::vector<core::Address> turning_points(const HostRules& rules);

// Whom to judge for `block`: its first and last address that a host can have, and at most `most` turning
// points within.
std::vector<core::Address> representatives(const core::Cidr& block, const std::vector<core::Address>& points,
                                           std::size_t most);

} // namespace healthgate::nft
