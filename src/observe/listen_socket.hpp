// A TCP port of our own to listen on, beside the gates': for HTTP.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <cstdint>
#include <string>

namespace healthgate::observe {

struct ListenError {
  int code = 0;       // errno
  std::string during; // "bind", ...
};

// A non-blocking socket that listens on the numeric address `host`; on [::] it takes IPv4 as well.
[[nodiscard]] base::Result<base::UniqueFd, ListenError> listen_socket(const std::string& host,
                                                                      std::uint16_t port);

} // namespace healthgate::observe
