// Who is at the other end of the control socket, as the kernel says it, and what that allows.
#pragma once

#include "base/result.hpp"
#include "control/protocol.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>

namespace healthgate::control {

struct Peer {
  std::uint64_t connection = 0; // tells this connection from every other of this server
  pid_t pid = 0;                // of the connect(2); 0: outside of our PID namespace
  uid_t uid = 0;
  gid_t gid = 0;
  bool may_steer = false;
  bool may_take_over = false; // root and the daemon's own user alone: a successor gets sockets, not answers
};

// Reads SO_PEERCRED and SO_PEERGROUPS (Linux 4.13) of a connected unix socket and judges: root, `own_user`,
// and members of `steering_group`, supplementary or not, may steer. `connection` stays 0. The error is an
// errno.
[[nodiscard]] base::Result<Peer, int> read_peer(int fd, uid_t own_user, std::optional<gid_t> steering_group);

// "alice (uid 1000)", "uid 70001" for one that /etc/passwd does not know, "root (sudo by alice)". Only root's
// claim of a sudo user is repeated: root may say what it likes anyway. Reads /etc/passwd and no other name
// service, which might block the loop; call it for what is remembered, not for every status.
[[nodiscard]] std::string who(const Peer& peer, const Request& request);

// Why `peer` may not have `command` carried out, or "" when it may.
[[nodiscard]] std::string denial(const Peer& peer, Command command, bool status_public);

} // namespace healthgate::control
