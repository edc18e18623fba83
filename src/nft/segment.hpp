// One TCP segment on its way through this host, as a value: the load balancer's SYN coming in, or the SYN-ACK
// that answers it. What a judge of rules may assume about it stands here, and nothing else.
#pragma once

#include "core/allowlist.hpp"
#include "nft/expr.hpp"

#include <cstdint>
#include <string>

namespace healthgate::nft {

struct Link {
  std::string name;
  std::uint32_t index = 0;
  std::uint16_t type = 1; // ARPHRD_*; Ethernet
};

struct Segment {
  core::Address source;
  core::Address destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  bool answer = false; // a SYN-ACK that leaves by `link`; otherwise a SYN that arrives there
  Link link;

  // The answer to a SYN.
  [[nodiscard]] Segment reply() const;
  [[nodiscard]] bool is_ipv4() const { return source.family == core::Family::ipv4; }

  // The headers as they stand in the packet, checksums left at zero. What the sender is free to choose is
  // what Linux chooses: TTL 64, a window of 64240.
  [[nodiscard]] Bytes network_header() const;
  [[nodiscard]] Bytes transport_header() const;
};

// 4 or 16 bytes.
Bytes address_bytes(const core::Address& address);

} // namespace healthgate::nft
