// Instructions for the kernel, by libnftnl.
#pragma once

#include "nft/expr.hpp"

#include <libnftnl/expr.h>

namespace healthgate::nft {

// A libnftnl expression that the caller owns, nullptr for want of memory. Raw cannot be encoded: to ask is a
// bug.
nftnl_expr* encode(const Expr& part);

} // namespace healthgate::nft
