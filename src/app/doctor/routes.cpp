// The way back to each source: whether there is one, and whether the kernel's check of the reverse path
// (rp_filter, ip-sysctl.txt) lets a SYN in that comes by another.
#include "app/doctor/checks.hpp"
#include "app/doctor/sources.hpp"
#include "nft/turning_points.hpp"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <system_error>

namespace healthgate::app::doctor {
namespace {

constexpr int strict = 1;

struct Interface {
  std::string name;
  core::Cidr network; // of its address
  int rp_filter = 0;
};

int read_rp_filter(const std::string& interface) {
  std::ifstream file("/proc/sys/net/ipv4/conf/" + interface + "/rp_filter");
  int value = 0;
  return file >> value ? value : 0;
}

std::uint8_t prefix_of(const sockaddr* mask) {
  const auto bits = ntohl(reinterpret_cast<const sockaddr_in*>(mask)->sin_addr.s_addr);
  return static_cast<std::uint8_t>(__builtin_popcount(bits));
}

// Interfaces that are up and have an IPv4 address, loopback left out.
std::vector<Interface> ipv4_interfaces() {
  std::vector<Interface> interfaces;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) {
    return interfaces;
  }
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> list(first, ::freeifaddrs);
  const int everywhere = read_rp_filter("all");
  for (const ifaddrs* one = first; one != nullptr; one = one->ifa_next) {
    const bool usable = (one->ifa_flags & IFF_UP) != 0 && (one->ifa_flags & IFF_LOOPBACK) == 0;
    if (!usable || one->ifa_addr == nullptr || one->ifa_netmask == nullptr ||
        one->ifa_addr->sa_family != AF_INET) {
      continue;
    }
    Interface interface { one->ifa_name, {}, std::max(everywhere, read_rp_filter(one->ifa_name)) };
    std::memcpy(interface.network.address.bytes.data(),
                &reinterpret_cast<const sockaddr_in*>(one->ifa_addr)->sin_addr, 4);
    interface.network.prefix = prefix_of(one->ifa_netmask);
    interfaces.push_back(interface);
  }
  return interfaces;
}

// Packets that rp_filter has dropped since boot: a header line of names, then one of values.
std::uint64_t dropped_by_rp_filter() {
  std::ifstream file("/proc/net/netstat");
  std::string names;
  std::string values;
  while (std::getline(file, names) && std::getline(file, values)) {
    std::istringstream name_words(names);
    std::istringstream value_words(values);
    std::string name;
    std::string value;
    while (name_words >> name && value_words >> value) {
      if (name == "IPReversePathFilter") {
        return std::stoull(value);
      }
    }
  }
  return 0;
}

bool contains(const core::Cidr& network, const core::Address& address) {
  const std::size_t whole = network.prefix / 8;
  const int rest = network.prefix % 8;
  const auto mask = static_cast<std::uint8_t>(0xff << (8 - rest));
  return std::equal(network.address.bytes.begin(),
                    network.address.bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                    address.bytes.begin()) &&
         (rest == 0 || (network.address.bytes[whole] & mask) == (address.bytes[whole] & mask));
}

Finding rp_filter_finding(Severity severity, const core::Cidr& block, const std::string& arrives,
                          const std::string& leaves, std::uint64_t dropped) {
  Finding finding;
  finding.severity = severity;
  finding.what = "SYNs from " + block.to_string() + " that come in by " + arrives +
                 " are dropped: the way back is by " + leaves + ", and rp_filter is strict";
  finding.evidence =
      "net.ipv4.conf." + arrives + ".rp_filter = 1 (or conf.all); dropped so far: " + std::to_string(dropped);
  finding.remedy = "sysctl -w net.ipv4.conf." + arrives + ".rp_filter=2";
  finding.lasting =
      "the same key in /etc/sysctl.d/; or make the way back the way in, with ip route or ip rule";
  return finding;
}

// A neighbour comes in by the interface of its network. Of others it is not known, but drops are counted.
void check_reverse_path(const core::Cidr& block, const core::Address& source, const nft::Route& route,
                        const std::vector<Interface>& interfaces, std::uint64_t dropped, Findings& findings) {
  for (const Interface& interface : interfaces) {
    if (interface.name == route.link.name || interface.rp_filter != strict) {
      continue;
    }
    if (contains(interface.network, source)) {
      findings.push_back(rp_filter_finding(Severity::error, block, interface.name, route.link.name, dropped));
      return;
    }
    if (dropped != 0) {
      findings.push_back(
          rp_filter_finding(Severity::warning, block, interface.name, route.link.name, dropped));
      return;
    }
  }
}

// Blocks without a way back, by family and error.
using Unreachable = std::map<std::pair<core::Family, int>, std::vector<std::string>>;

void report_unreachable(const Unreachable& unreachable, Findings& findings) {
  for (const auto& [key, blocks] : unreachable) {
    const auto& [family, error] = key;
    findings.push_back({Severity::error, "", "",
                        "no route leads back to " + list_text(blocks) + ", so that no answer reaches it",
                        "RTM_GETROUTE: " + std::generic_category().message(error),
                        (family == core::Family::ipv6 ? "ip -6 route add " : "ip route add ") +
                            blocks.front() + " via GATEWAY",
                        "the same in the host's network configuration"});
  }
}

} // namespace

void check_routes(const Subject& subject, Findings& findings) {
  nft::RouteReader reader;
  const auto interfaces = ipv4_interfaces();
  const auto dropped = dropped_by_rp_filter();
  Unreachable unreachable;
  for (const auto& block : blocks_of(subject.config)) {
    const core::Address source = nft::representatives(block, {}, 0).front();
    const nft::Route route = reader.to(source);
    if (route.error != 0) {
      unreachable[{block.address.family, route.error}].push_back(block.to_string());
    } else if (source.family == core::Family::ipv4 && route.link.name != "lo") {
      check_reverse_path(block, source, route, interfaces, dropped, findings);
    }
  }
  report_unreachable(unreachable, findings);
}

} // namespace healthgate::app::doctor
