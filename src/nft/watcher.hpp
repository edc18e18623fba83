// Hears of every commit that is not ours: a socket on NFNLGRP_NFTABLES whose classic BPF filter passes
// NFT_MSG_NEWGEN of other sockets and nothing else. In a storm that is 2 messages in place of 38 MB
// (nft-findings, 5).
//
// Ours are known by the port id of the committing socket, not by the process: pids differ between pid
// namespaces.
#pragma once

#include "base/c_ptr.hpp"

#include <libmnl/libmnl.h>

#include <cstdint>
#include <string>

namespace healthgate::nft {

struct ForeignChange {
  bool happened = false;
  std::string writer; // of the newest one: "nft (pid 4711)", "" when not known
};

class Watcher {
public:
  // `own_portid`: whose commits to pass over. Throws std::system_error.
  explicit Watcher(std::uint32_t own_portid);

  [[nodiscard]] int fd() const { return mnl_socket_get_fd(socket_.get()); }
  // Reads all there is, without blocking. An overflow (ENOBUFS) counts as a change by nobody known.
  ForeignChange drain();

private:
  base::CPtr<mnl_socket, mnl_socket_close> socket_;
};

} // namespace healthgate::nft
