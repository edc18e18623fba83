// Ports of gates that another program holds. A gate of the running daemon is its own holder.
#include "app/doctor/checks.hpp"
#include "base/unique_fd.hpp"
#include "listener/port_holder.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
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

// The daemon says itself which ports it could not have. Its name is not always to be seen: other users'
// processes hide their sockets.
bool is_ours(const DaemonState& daemon, std::uint16_t port, const std::string& holder) {
  if (holder.rfind("healthgate ", 0) == 0) {
    return true;
  }
  if (!daemon.snapshot) {
    return false;
  }
  const auto& gates = daemon.snapshot->gates;
  return std::any_of(gates.begin(), gates.end(),
                     [port](const auto& gate) { return gate.port == port && gate.port_problem.empty(); });
}

} // namespace

void check_ports(const Subject& subject, Findings& findings) {
  for (const auto& gate : subject.config.gates) {
    if (!is_taken(gate.port)) {
      continue;
    }
    const std::string holder = listener::port_holder(gate.port);
    if (is_ours(subject.daemon, gate.port, holder)) {
      continue;
    }
    const std::string port = "port " + std::to_string(gate.port);
    const bool nameless = holder.find("(pid ") == std::string::npos;
    if (nameless && subject.daemon.kind == DaemonState::Kind::unreadable) {
      findings.push_back(
          {Severity::unknown, "", gate.name,
           port + " is held by " + holder + "; whether that is the daemon is not shown to this user",
           "bind: Address already in use", "sudo healthgate doctor", ""});
      continue;
    }
    findings.push_back({Severity::error, "", gate.name,
                        port + " is held by " + holder + ", so the gate stays closed",
                        "bind: Address already in use",
                        "stop that program, or give the gate another port: gate." + gate.name + ".port", ""});
  }
}

} // namespace healthgate::app::doctor
