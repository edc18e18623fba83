#include "nft/watcher.hpp"

#include "core/ruleset.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/parse.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <system_error>

#include <linux/filter.h>
#include <sys/socket.h>

namespace healthgate::nft {
namespace {

// Classic BPF loads words in network order; netlink headers are in host order.
void pass_only_foreign_generations(int fd, std::uint32_t own_portid) {
  constexpr std::uint16_t new_generation = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
  std::array<sock_filter, 6> program = {{
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(nlmsghdr, nlmsg_type)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(new_generation), 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(nlmsghdr, nlmsg_pid)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(own_portid), 1, 0),
      BPF_STMT(BPF_RET | BPF_K, 0xffffffff),
      BPF_STMT(BPF_RET | BPF_K, 0),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  if (::setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) != 0) {
    throw std::system_error(errno, std::generic_category(), "watcher: attaching the filter");
  }
}

std::string writer_of(const GenerationRow& generation) {
  if (generation.writer_name.empty()) {
    return {};
  }
  // A process names itself as it likes.
  return core::sanitize_comment(generation.writer_name) + " (pid " + std::to_string(generation.writer_pid) +
         ")";
}

} // namespace

Watcher::Watcher(std::uint32_t own_portid)
    : socket_(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK)) {
  if (!socket_) {
    throw std::system_error(errno, std::generic_category(), "watcher: socket(AF_NETLINK, NETLINK_NETFILTER)");
  }
  pass_only_foreign_generations(fd(), own_portid);
  int group = NFNLGRP_NFTABLES;
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) != 0 ||
      mnl_socket_setsockopt(socket_.get(), NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    throw std::system_error(errno, std::generic_category(), "watcher: joining the group of nf_tables");
  }
}

ForeignChange Watcher::drain() {
  ForeignChange change;
  alignas(nlmsghdr) std::array<char, 8192> buffer;
  for (;;) {
    const ssize_t received = ::recv(fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received < 0) {
      if (errno == EINTR) {
        continue;
      }
      if (errno != ENOBUFS) {
        return change; // EAGAIN: that was all
      }
      change.happened = true;
      continue;
    }
    int left = static_cast<int>(received);
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer.data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (const auto generation = parse_generation(*header)) {
        change.happened = true;
        change.writer = writer_of(*generation);
      }
    }
  }
}

} // namespace healthgate::nft
