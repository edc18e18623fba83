#include "probe/proxy_preamble.hpp"

#include <cstring>
#include <netinet/in.h>
#include <string_view>

namespace healthgate::probe {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr char version2_local = 0x20; // health checks by the proxy itself
constexpr char version2_proxy = 0x21;
constexpr char tcp_over_ipv4 = 0x11;
constexpr char tcp_over_ipv6 = 0x21;

bool is_ip(const Endpoint& endpoint) {
  return endpoint.family() == AF_INET || endpoint.family() == AF_INET6;
}

// PROXY TCP4 192.0.2.1 192.0.2.2 41000 80\r\n
std::string version1(const Endpoint& source, const Endpoint& destination) {
  if (!is_ip(source) || source.family() != destination.family()) {
    return "PROXY UNKNOWN\r\n";
  }
  // The text has no place for a scope: "fe80::1%eth0" is written without it.
  const auto text = [](const Endpoint& end) { return end.host_text().substr(0, end.host_text().find('%')); };
  return std::string("PROXY ") + (source.family() == AF_INET ? "TCP4 " : "TCP6 ") + text(source) + ' ' +
         text(destination) + ' ' + std::to_string(source.port()) + ' ' + std::to_string(destination.port()) +
         "\r\n";
}

std::string address_bytes(const Endpoint& endpoint) {
  if (endpoint.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &endpoint.address, sizeof v4);
    std::string bytes(sizeof v4.sin_addr, '\0');
    std::memcpy(bytes.data(), &v4.sin_addr, bytes.size());
    return bytes;
  }
  sockaddr_in6 v6{};
  std::memcpy(&v6, &endpoint.address, sizeof v6);
  std::string bytes(sizeof v6.sin6_addr, '\0');
  std::memcpy(bytes.data(), &v6.sin6_addr, bytes.size());
  return bytes;
}

std::string network_order(std::size_t value) {
  return {static_cast<char>(value >> 8U & 0xffU), static_cast<char>(value & 0xffU)};
}

// signature, version and command, family and protocol, length of the rest, addresses, ports
std::string version2(const Endpoint& source, const Endpoint& destination) {
  std::string out(signature);
  if (!is_ip(source) || source.family() != destination.family()) {
    out += version2_local;
    out += '\0';
    return out + network_order(0);
  }
  const std::string body = address_bytes(source) + address_bytes(destination) + network_order(source.port()) +
                           network_order(destination.port());
  out += version2_proxy;
  out += source.family() == AF_INET ? tcp_over_ipv4 : tcp_over_ipv6;
  return out + network_order(body.size()) + body;
}

} // namespace

std::string proxy_preamble(config::ProxyProtocol version, const Endpoint& source,
                           const Endpoint& destination) {
  switch (version) {
  case config::ProxyProtocol::off:
    return "";
  case config::ProxyProtocol::v1:
    return version1(source, destination);
  case config::ProxyProtocol::v2:
    return version2(source, destination);
  }
  return "";
}

} // namespace healthgate::probe
