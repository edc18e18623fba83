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

// Passes what comes from loopback (127.0.0.0/8, ::1, or by the interface lo) and from `allow`, and drops the
// rest. The IP header of the packet decides, not the socket's family: IPv4 on a dual-stack socket is IPv4. A
// program has at most `limit` instructions, room for about 650 IPv4 blocks: a longer list is widened, every
// block by the same number of bits, until it fits. Making it is O(n), about 1 s for 1,000,000 blocks that
// must be widened; a packet costs O(log n) steps for IPv4, and for IPv6 at most the whole program (some
// microseconds).
SocketFilter pass_only(const core::Allowlist& allow, std::size_t limit = BPF_MAXINSNS);

} // namespace healthgate::listener
