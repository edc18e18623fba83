// A socket address as the kernel takes it, with the text that people read; and the names that need no
// resolver.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <vector>

namespace healthgate::probe {

struct Endpoint {
  sockaddr_storage address{};
  socklen_t length = 0;

  [[nodiscard]] int family() const { return address.ss_family; }
  [[nodiscard]] std::uint16_t port() const;    // host order, 0 for a unix socket
  [[nodiscard]] std::string host_text() const; // "127.0.0.1", "::1", "fe80::1%eth0", or a unix socket's path
  [[nodiscard]] std::string to_string() const; // "127.0.0.1:1936", "[::1]:1936", or a unix socket's path
  [[nodiscard]] const sockaddr* get() const;
};

// Made from a numeric address of either family ("fe80::1%eth0" too); length 0 when `host` is not numeric.
[[nodiscard]] Endpoint numeric_endpoint(std::string_view host, std::uint16_t port);

// The endpoints of a host that needs no resolver: a numeric address is itself; localhost and names below it
// are ::1 and 127.0.0.1 (RFC 6761, 6.3), whatever /etc/hosts or a name server says. Empty for any other name.
[[nodiscard]] std::vector<Endpoint> well_known_endpoints(std::string_view host, std::uint16_t port);

// Empty when the path does not fit into sun_path (107 bytes).
[[nodiscard]] Endpoint unix_endpoint(std::string_view path);

} // namespace healthgate::probe
