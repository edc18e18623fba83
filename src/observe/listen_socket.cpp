#include "observe/listen_socket.hpp"

#include "base/c_ptr.hpp"

#include <cerrno>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace healthgate::observe {
namespace {

constexpr int backlog = 128;

} // namespace

base::Result<base::UniqueFd, ListenError> listen_socket(const std::string& host, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV; // asks nobody, so does not block
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &list) != 0) {
    return base::Failure{ListenError{EADDRNOTAVAIL, "address"}}; // "fe80::1%eth7" where there is no eth7
  }
  const base::CPtr<addrinfo, ::freeaddrinfo> address(list);
  base::UniqueFd fd(::socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) {
    return base::Failure{ListenError{errno, "socket"}};
  }
  const int on = 1;
  const int off = 0;
  // Connections of an earlier life may still be in TIME_WAIT.
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      (address->ai_family == AF_INET6 &&
       ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0)) {
    return base::Failure{ListenError{errno, "setsockopt"}};
  }
  if (::bind(fd.get(), address->ai_addr, address->ai_addrlen) != 0) {
    return base::Failure{ListenError{errno, "bind"}};
  }
  if (::listen(fd.get(), backlog) != 0) {
    return base::Failure{ListenError{errno, "listen"}};
  }
  return fd;
}

} // namespace healthgate::observe
