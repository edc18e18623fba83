// Who may ask, as the blocks of the allowlists, and by which way they are answered.
#pragma once

#include "config/config.hpp"
#include "nft/route.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace healthgate::app::doctor {

// As many blocks of one gate are looked at; longer lists mostly hold neighbours that take the same way.
inline constexpr std::size_t most_blocks = 64;

// The first blocks of either family.
[[nodiscard]] std::vector<core::Cidr> blocks_of(const config::GateConfig& gate);
// The same of all gates together, none twice.
[[nodiscard]] std::vector<core::Cidr> blocks_of(const config::Config& config);

// "10.0.0.9, 10.1.0.0/16 and 7 more"
[[nodiscard]] std::string list_text(const std::vector<std::string>& names, std::size_t most = 4);

} // namespace healthgate::app::doctor
