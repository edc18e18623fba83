#include "app/own_addresses.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

namespace healthgate::app {
namespace {

std::vector<core::Address> own_addresses() {
  std::vector<core::Address> own;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) {
    return own;
  }
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    core::Address address;
    if (one->ifa_addr == nullptr) {
      continue;
    }
    if (one->ifa_addr->sa_family == AF_INET) {
      const auto* const v4 = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      std::memcpy(address.bytes.data(), &v4->sin_addr, sizeof v4->sin_addr);
    } else if (one->ifa_addr->sa_family == AF_INET6) {
      const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
      address.family = core::Family::ipv6;
      std::memcpy(address.bytes.data(), &v6->sin6_addr, sizeof v6->sin6_addr);
    } else {
      continue;
    }
    own.push_back(address);
  }
  ::freeifaddrs(all);
  return own;
}

} // namespace

std::vector<core::Address> without_own(std::vector<core::Address> addresses) {
  const auto own = own_addresses();
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  addresses.erase(std::remove_if(addresses.begin(), addresses.end(),
                                 [&own](const core::Address& address) {
                                   return std::find(own.begin(), own.end(), address) != own.end();
                                 }),
                  addresses.end());
  return addresses;
}

} // namespace healthgate::app
