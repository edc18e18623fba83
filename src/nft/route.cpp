#include "nft/route.hpp"

#include "base/unique_fd.hpp"
#include "nft/attributes.hpp"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <system_error>

namespace healthgate::nft {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

std::uint16_t link_type(const char* name) {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  (void)std::string_view(name).copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1); // the rest is zero
  return ::ioctl(socket.get(), SIOCGIFHWADDR, &request) == 0 ? request.ifr_hwaddr.sa_family : Link().type;
}

Link link_of(std::uint32_t index) {
  std::array<char, IFNAMSIZ> name{};
  if (::if_indextoname(index, name.data()) == nullptr) {
    return {"", index, Link().type}; // went away between two questions
  }
  return {name.data(), index, link_type(name.data())};
}

Route parse_route(const nlmsghdr& message, core::Family family) {
  const auto* first = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, sizeof(rtmsg)));
  const char* end = reinterpret_cast<const char*>(&message) + message.nlmsg_len;
  const Attributes all =
      Attributes::of(std::string_view(reinterpret_cast<const char*>(first),
                                      static_cast<std::size_t>(end - reinterpret_cast<const char*>(first))));
  Route route;
  std::uint32_t index = 0;
  const std::string_view out = all.bytes(RTA_OIF);
  std::memcpy(&index, out.data(), std::min(out.size(), sizeof index));
  route.link = link_of(index);
  if (const std::string_view local = all.bytes(RTA_PREFSRC); !local.empty()) {
    route.local = core::Address{family, {}};
    std::memcpy(route.local->bytes.data(), local.data(), std::min(local.size(), route.local->bytes.size()));
  }
  return route;
}

} // namespace

RouteReader::RouteReader() : socket_(mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC)) {
  if (!socket_ || mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
    fail("socket(AF_NETLINK, NETLINK_ROUTE)");
  }
}

Route RouteReader::to(const core::Address& address) {
  std::array<char, 8192> buffer{};
  nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
  message->nlmsg_type = RTM_GETROUTE;
  message->nlmsg_flags = NLM_F_REQUEST;
  message->nlmsg_seq = ++sequence_;
  auto* question = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(rtmsg)));
  question->rtm_family = address.family == core::Family::ipv4 ? AF_INET : AF_INET6;
  question->rtm_dst_len = static_cast<unsigned char>(address.bits());
  const Bytes destination = address_bytes(address);
  mnl_attr_put(message, RTA_DST, destination.size(), destination.data());
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) {
    return {errno, {}, {}};
  }
  for (;;) {
    const ssize_t received = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
    if (received < 0) {
      return {errno, {}, {}};
    }
    int left = static_cast<int>(received);
    const auto* answer = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; mnl_nlmsg_ok(answer, left); answer = mnl_nlmsg_next(answer, &left)) {
      if (answer->nlmsg_seq != sequence_) {
        continue;
      }
      if (answer->nlmsg_type == NLMSG_ERROR && mnl_nlmsg_get_payload_len(answer) >= sizeof(nlmsgerr)) {
        return {-static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(answer))->error, {}, {}};
      }
      if (answer->nlmsg_type == RTM_NEWROUTE && mnl_nlmsg_get_payload_len(answer) >= sizeof(rtmsg)) {
        return parse_route(*answer, address.family);
      }
    }
  }
}

} // namespace healthgate::nft
