// The switch: datagrams to 127.0.0.1:PORT that our own output chain matches, moves a lease by, and drops. No
// lock, no generation: 0.5 µs in a loop, 10 to 30 µs after idling; the verdict changes before send returns.
//
// EPERM from send proves that our rule matched, the set was changed and the datagram dropped. Every other
// answer means that the firewall is not what we installed: the table is gone, the nonce is another, the set
// refused the update.
#pragma once

#include "base/unique_fd.hpp"
#include "core/ports.hpp"

#include <cstdint>

namespace healthgate::nft {

class Pulse {
public:
  // Opens the sockets and marks them. Throws std::system_error: the mark needs CAP_NET_ADMIN, or CAP_NET_RAW.
  Pulse();

  // Never blocks. `nonce` must be that of the installed rules.
  core::PulseResult renew(std::uint16_t port, std::uint64_t nonce) const;
  core::PulseResult revoke(std::uint16_t port, std::uint64_t nonce) const;

  // True when nobody acknowledges pulses that no rule of ours can match: sends a renewal and a revocation
  // with `wrong_nonce`. Another output rule, a cgroup program or a sandbox that refuses datagrams with EPERM
  // would forge every acknowledgement. To be asked before the table is installed, and once more after.
  [[nodiscard]] bool is_honest(std::uint16_t port, std::uint64_t wrong_nonce) const;

private:
  // Not connected: a connected socket would hand the ICMP error of an earlier datagram, one that our rules
  // should have dropped, to the next send instead of sending.
  base::UniqueFd renewing_;
  base::UniqueFd revoking_;
};

} // namespace healthgate::nft
