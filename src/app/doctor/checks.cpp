#include "app/doctor/checks.hpp"
#include "base/unique_fd.hpp"
#include "config/lint.hpp"
#include "listener/port_holder.hpp"

#include <linux/capability.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <fstream>

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

std::string effective_capabilities() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.rfind("CapEff:", 0) == 0) {
      return line.substr(line.find_first_not_of(" \t", std::strlen("CapEff:")));
    }
  }
  return "";
}

} // namespace

void check_time_budget(const config::Config& config, Findings& findings) {
  for (const auto& hint : config::lint(config)) {
    findings.push_back({hint.severity == config::Severity::warning ? Severity::warning : Severity::note,
                        "time-budget", hint.gate, hint.why, "the configuration",
                        hint.set.empty() ? "" : "set " + hint.set});
  }
}

void check_capability(Findings& findings) {
  const std::string mask = effective_capabilities();
  if (!mask.empty() && ((std::stoull(mask, nullptr, 16) >> CAP_NET_ADMIN) & 1U) != 0) {
    return;
  }
  findings.push_back({Severity::warning, "capability", "",
                      "this process lacks CAP_NET_ADMIN, so the rules of the host cannot be read",
                      "CapEff " + mask + " in /proc/self/status", "sudo healthgate doctor"});
}

void check_ports(const config::Config& config, Findings& findings) {
  for (const auto& gate : config.gates) {
    if (!is_taken(gate.port)) {
      continue;
    }
    const std::string holder = listener::port_holder(gate.port);
    if (holder.rfind("healthgate ", 0) == 0) {
      continue;
    }
    findings.push_back(
        {Severity::error, "port", gate.name,
         "port " + std::to_string(gate.port) + " is held by " + holder + ", so the gate stays closed",
         "bind: Address already in use",
         "stop that program, or give the gate another port: gate." + gate.name + ".port"});
  }
}

} // namespace healthgate::app::doctor
