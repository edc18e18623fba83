// The flags that this kernel grants to our table.
#pragma once

#include "nft/error.hpp"
#include "nft/features.hpp"

#include <cstdint>

namespace healthgate::nft {

class NetlinkSocket;

TableMode mode_of(std::uint32_t flags);

// Tries owner and persist, owner, none, in this order, on an empty scratch table, and reads back what it got.
// Up to six commits. Fails where nothing may be written at all (EPERM), and where `policy` requires what is
// not granted.
Result<std::uint32_t> granted_flags(NetlinkSocket& socket, OwnerPolicy policy);

} // namespace healthgate::nft
