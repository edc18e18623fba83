#include "probe/endpoint.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <cstring>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace healthgate::probe {
namespace {

template <typename SockAddr> SockAddr read_as(const sockaddr_storage& storage) {
  SockAddr out{};
  std::memcpy(&out, &storage, sizeof out);
  return out;
}

template <typename SockAddr>
Endpoint write_as(const SockAddr& address, std::size_t length = sizeof(SockAddr)) {
  Endpoint out;
  std::memcpy(&out.address, &address, sizeof address);
  out.length = static_cast<socklen_t>(length);
  return out;
}

// The scope of "fe80::1%eth0" or "fe80::1%2", 0 when there is no such interface.
unsigned scope_of(const std::string& name) {
  if (const unsigned index = if_nametoindex(name.c_str()); index != 0) {
    return index;
  }
  const bool digits =
      !name.empty() && name.size() < 10 &&
      std::all_of(name.begin(), name.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  return digits ? static_cast<unsigned>(std::stoul(name)) : 0;
}

Endpoint ipv6_endpoint(const std::string& text, std::uint16_t port) {
  sockaddr_in6 v6{};
  const std::size_t percent = text.find('%');
  if (inet_pton(AF_INET6, text.substr(0, percent).c_str(), &v6.sin6_addr) != 1) {
    return {};
  }
  if (percent != std::string::npos) {
    v6.sin6_scope_id = scope_of(text.substr(percent + 1));
    if (v6.sin6_scope_id == 0) {
      return {};
    }
  }
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  return write_as(v6);
}

bool is_localhost(std::string_view host) {
  std::string name(host);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (!name.empty() && name.back() == '.') {
    name.pop_back();
  }
  constexpr std::string_view suffix = ".localhost";
  return name == "localhost" || (name.size() > suffix.size() &&
                                 name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0);
}

} // namespace

const sockaddr* Endpoint::get() const {
  return reinterpret_cast<const sockaddr*>(&address); // the sockets API's own cast
}

std::uint16_t Endpoint::port() const {
  switch (family()) {
  case AF_INET:
    return ntohs(read_as<sockaddr_in>(address).sin_port);
  case AF_INET6:
    return ntohs(read_as<sockaddr_in6>(address).sin6_port);
  default:
    return 0;
  }
}

std::string Endpoint::host_text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) {
    const auto v4 = read_as<sockaddr_in>(address);
    return inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  }
  if (family() == AF_INET6) {
    const auto v6 = read_as<sockaddr_in6>(address);
    std::string out = inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    std::array<char, IF_NAMESIZE> name{};
    if (v6.sin6_scope_id != 0) {
      out += '%';
      out += if_indextoname(v6.sin6_scope_id, name.data()) != nullptr ? std::string(name.data())
                                                                      : std::to_string(v6.sin6_scope_id);
    }
    return out;
  }
  if (family() == AF_UNIX) {
    return std::string(read_as<sockaddr_un>(address).sun_path);
  }
  return "";
}

std::string Endpoint::to_string() const {
  switch (family()) {
  case AF_INET:
    return host_text() + ":" + std::to_string(port());
  case AF_INET6:
    return "[" + host_text() + "]:" + std::to_string(port());
  default:
    return host_text();
  }
}

Endpoint numeric_endpoint(std::string_view host, std::uint16_t port) {
  const std::string text(host);
  sockaddr_in v4{};
  if (inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    return write_as(v4);
  }
  return ipv6_endpoint(text, port);
}

std::vector<Endpoint> well_known_endpoints(std::string_view host, std::uint16_t port) {
  if (is_localhost(host)) {
    return {numeric_endpoint("::1", port), numeric_endpoint("127.0.0.1", port)};
  }
  if (const Endpoint numeric = numeric_endpoint(host, port); numeric.length != 0) {
    return {numeric};
  }
  return {};
}

Endpoint unix_endpoint(std::string_view path) {
  sockaddr_un address{};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return {};
  }
  address.sun_family = AF_UNIX;
  std::copy(path.begin(), path.end(), address.sun_path);
  return write_as(address);
}

} // namespace healthgate::probe
