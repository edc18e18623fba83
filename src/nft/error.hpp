// What a conversation with nf_tables came to when it failed.
#pragma once

#include "base/result.hpp"

#include <string>

namespace healthgate::nft {

struct NetlinkError {
  int error = 0; // errno as the kernel or the socket gave it
  bool unknown =
      false; // the transaction may be in force all the same (ENOBUFS, no answer): read back, then decide
  std::string
      what; // one line: what was tried, strerror, and the kernel's extended ACK text where it gave one
};

template <typename T> using Result = base::Result<T, NetlinkError>;

} // namespace healthgate::nft
