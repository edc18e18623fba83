#include "listener/sockets.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>

namespace healthgate::listener {
namespace {

// Descriptors that connections leave to the probes: two addresses of the service, and a name lookup.
constexpr rlim_t kept_for_probes = 8;

} // namespace

int set_option(int fd, int level, int name, int value) {
  return ::setsockopt(fd, level, name, &value, sizeof value) == 0 ? 0 : errno;
}

int attach(int fd, const SocketFilter& filter) {
  sock_fprog program{};
  program.len = static_cast<unsigned short>(filter.program.size());
  program.filter = const_cast<sock_filter*>(filter.program.data()); // the kernel only reads it
  return ::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0 ? 0 : errno;
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    return 0;
  }
  return ntohs(address.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                                             : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

int bind_all(int fd, int family, std::uint16_t port) {
  if (family == AF_INET6) {
    sockaddr_in6 any{};
    any.sin6_family = AF_INET6;
    any.sin6_port = htons(port);
    return ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0 ? 0 : errno;
  }
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_port = htons(port);
  return ::bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0 ? 0 : errno;
}

int listen_on(int fd, int backlog) {
  if (const int error = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1); error != 0) {
    return error;
  }
  const int result = ::listen(fd, backlog) == 0 ? 0 : errno;
  const int cleared = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 0);
  return result != 0 ? result : cleared;
}

base::UniqueFd make_socket(int& family) {
  constexpr int type = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
  family = AF_INET6;
  base::UniqueFd fd(::socket(family, type, 0));
  if (fd.valid() && set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0) == 0) {
    return fd;
  }
  family = AF_INET;
  return base::UniqueFd(::socket(family, type, 0));
}

bool queue_has_room(int fd) {
  tcp_info info{};
  socklen_t length = sizeof info;
  return ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0 &&
         info.tcpi_unacked < info.tcpi_sacked / 3 * 2;
}

bool descriptors_run_out(int fd) {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
         static_cast<rlim_t>(fd) + kept_for_probes >= limit.rlim_cur;
}

void end_politely(base::UniqueFd connection) {
  (void)set_option(connection.get(), IPPROTO_TCP, TCP_LINGER2, 1); // seconds; without it the system's 60
}

} // namespace healthgate::listener
