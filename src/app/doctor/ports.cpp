// Ports of gates and of metrics-listen that another program holds. The running daemon is its own holder.
#include "app/doctor/checks.hpp"
#include "base/unique_fd.hpp"
#include "listener/port_holder.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace healthgate::app::doctor {
namespace {

// Whether the port is taken on the wildcard address, which is what the daemon binds.
bool is_taken(std::uint16_t port) {
  const base::UniqueFd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int off = 0;
  (void)::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)); // v6 alone is judged then
  const int on = 1;
  (void)::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)); // as the daemon does
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(port);
  return ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 &&
         errno == EADDRINUSE;
}

// "" when the port is free, or ours.
std::string other_holder(std::uint16_t port) {
  if (!is_taken(port)) {
    return "";
  }
  const std::string holder = listener::port_holder(port);
  return holder.rfind("healthgate ", 0) == 0 ? "" : holder;
}

} // namespace

void check_ports(const Subject& subject, Findings& findings) {
  for (const auto& gate : subject.config.gates) {
    if (const std::string holder = other_holder(gate.port); !holder.empty()) {
      findings.push_back(
          {Severity::error, "", gate.name,
           "port " + std::to_string(gate.port) + " is held by " + holder + ", so the gate stays closed",
           "bind: Address already in use",
           "stop that program, or give the gate another port: gate." + gate.name + ".port", ""});
    }
  }
}

} // namespace healthgate::app::doctor
