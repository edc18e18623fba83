// The second lock of a port: a classic BPF program on the listening socket that drops the packets of unlisted
// sources without any answer. It holds while another program has deleted our nft table. Pure; see Listener.
#pragma once

#include "core/allowlist.hpp"

#include <cstddef>
#include <linux/filter.h>
#include <vector>

namespace healthgate::listener {

struct SocketFilter {
  std::vector<sock_filter> program;
  bool exact = true; // false: the allowlist did not fit, and some unlisted neighbours of its blocks pass too
};

// Drops every packet.
SocketFilter drop_everything();

// Passes what comes from loopback (127.0.0.0/8, ::1, or by the interface lo) and from `allow`, and drops the rest.
// The IP header of the packet decides, not the socket's family: IPv4 on a dual-stack socket is IPv4. A program has
// at most `limit` instructions: the allowlist's blocks with the longest common prefixes are merged until it fits.
// O(n) in the allowlist, about 10 ms for 1,000,000 blocks; passing a packet costs O(log n).
SocketFilter pass_only(const core::Allowlist& allow, std::size_t limit = BPF_MAXINSNS);

} // namespace healthgate::listener
