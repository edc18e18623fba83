// What the listener asks of TCP sockets, one system call or a few each. Where nothing else is said an int is
// 0 or an errno. Nothing here blocks.
#pragma once

#include "base/unique_fd.hpp"
#include "listener/socket_filter.hpp"

#include <cstdint>

namespace healthgate::listener {

int set_option(int fd, int level, int name, int value);
int attach(int fd, const SocketFilter& filter);
// 0 when the socket is not bound.
std::uint16_t bound_port(int fd);
int bind_all(int fd, int family, std::uint16_t port);
// listen(2) looks for conflicts once more, with TIME_WAIT sockets too, which SO_REUSEADDR passes; held any
// longer it would let others take the port while it is shut (rule 15).
int listen_on(int fd, int backlog);
// A dual-stack socket, or an IPv4 one where the host has no IPv6; `family` says which. Invalid with errno.
base::UniqueFd make_socket(int& family);
// Whether the queue of completed handshakes is less than two thirds full. When it is full SYNs are dropped,
// and a second passes until they come again. For a listener tcpi_unacked is that queue's length and
// tcpi_sacked its limit (tcp_get_info() in the kernel's net/ipv4/tcp.c).
bool queue_has_room(int fd);
// Whether `fd`, just received, is one of the last that this process may have: the kernel gives the lowest
// number that is free, so a high one tells that the rest is in use.
bool descriptors_run_out(int fd);
// With FIN, which a check that only connects takes for success. TIME_WAIT is then on our side.
void end_politely(base::UniqueFd connection);

} // namespace healthgate::listener
