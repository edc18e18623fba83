// How many connects a second one thread makes, and what they meet.
//
//   connect_bench serve PORT                    accepts and closes, in the foreground
//   connect_bench connect ADDRESS PORT SECONDS  one JSON object:
//   {"accepted":N,"refused":N,"silent":N,"seconds":S}
//
// A connect that is not answered at once counts as silent and is given up: its SYN has passed the host's
// rules by then, since namespaces hand packets over in the sender's own context.
#include "base/unique_fd.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>

namespace healthgate {
namespace {

using Clock = std::chrono::steady_clock;

sockaddr_in address_of(const char* text, const char* port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(port)));
  if (::inet_pton(AF_INET, text, &address.sin_addr) != 1) {
    std::fprintf(stderr, "connect_bench: %s is no IPv4 address\n", text);
    std::exit(2);
  }
  return address;
}

int serve(const char* port) {
  const base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  (void)::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = address_of("0.0.0.0", port);
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener.get(), 4096) != 0) {
    std::perror("connect_bench: listen");
    return 1;
  }
  for (;;) {
    const base::UniqueFd accepted(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
}

int connect_for(const sockaddr_in& address, std::chrono::seconds seconds) {
  long accepted = 0;
  long refused = 0;
  long silent = 0;
  const linger reset{1, 0};
  const auto began = Clock::now();
  while (Clock::now() - began < seconds) {
    const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    int error = 0;
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
        errno == EINPROGRESS) {
      pollfd writable{fd.get(), POLLOUT, 0};
      socklen_t size = sizeof error;
      if (::poll(&writable, 1, 0) == 0) {
        error = EINPROGRESS;
      } else {
        (void)::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    (error == 0 ? accepted : error == ECONNREFUSED ? refused : silent) += 1;
  }
  const double took = std::chrono::duration<double>(Clock::now() - began).count();
  std::printf("{\"accepted\":%ld,\"refused\":%ld,\"silent\":%ld,\"seconds\":%.3f}\n", accepted, refused,
              silent, took);
  return 0;
}

} // namespace
} // namespace healthgate

int main(int count, char** words) {
  if (count == 3 && std::strcmp(words[1], "serve") == 0) {
    return healthgate::serve(words[2]);
  }
  if (count == 5 && std::strcmp(words[1], "connect") == 0) {
    return healthgate::connect_for(healthgate::address_of(words[2], words[3]),
                                   std::chrono::seconds(std::atoi(words[4])));
  }
  std::fprintf(stderr, "usage: connect_bench serve PORT | connect ADDRESS PORT SECONDS\n");
  return 2;
}
