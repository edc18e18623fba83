// The kernel's answer to "which way would a packet to ADDRESS go", by rtnetlink: no program is run, nothing
// is changed, no privilege is needed.
#pragma once

#include "base/c_ptr.hpp"
#include "nft/segment.hpp"

#include <libmnl/libmnl.h>

#include <optional>
#include <string>

namespace healthgate::nft {

struct Route {
  int error = 0;                      // of the look-up: ENETUNREACH, EHOSTUNREACH, ...; 0: there is one
  Link link;                          // by which it leaves
  std::optional<core::Address> local; // that this host would use
};

class RouteReader {
public:
  // Throws std::system_error.
  RouteReader();
  // Microseconds.
  Route to(const core::Address& address);

private:
  base::CPtr<mnl_socket, mnl_socket_close> socket_;
  std::uint32_t sequence_ = 0;
};

} // namespace healthgate::nft
