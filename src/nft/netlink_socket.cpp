#include "nft/netlink_socket.hpp"

#include "nft/batch.hpp"
#include "nft/kernel_abi.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>

namespace healthgate::nft {
namespace {

// Room for a transaction of ten thousand gates; only a limit, no memory is taken before it is needed.
constexpr int wanted_send_buffer_bytes = 64 << 20;
// The kernel hands out dumps in pieces of at most this size (netlink_dump: NLMSG_GOODSIZE up to 32 KiB).
constexpr std::size_t receive_buffer_bytes = 64 << 10;
// A dump is started anew at most this often when commits interrupt it.
constexpr int dump_tries = 50;

[[noreturn]] void fail(std::string_view purpose, std::string_view what) {
  throw std::system_error(errno, std::generic_category(), std::string(purpose) + ": " + std::string(what));
}

// SO_SNDBUFFORCE needs CAP_NET_ADMIN over the first user namespace; elsewhere the limit of wmem_max holds,
// and batches are split (nft-findings, 9). Returns what the socket has now.
std::size_t raise_send_buffer(int fd) {
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &wanted_send_buffer_bytes,
                   sizeof wanted_send_buffer_bytes) != 0) {
    // Refused where we are not privileged enough: the plain option gives as much as it may.
    (void)::setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &wanted_send_buffer_bytes, sizeof wanted_send_buffer_bytes);
  }
  int granted = 0;
  socklen_t length = sizeof granted;
  if (::getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &granted, &length) != 0 || granted <= 0) {
    return 64 << 10;
  }
  return static_cast<std::size_t>(granted);
}

std::string extended_ack(const nlmsghdr& header) {
  if ((header.nlmsg_flags & NLM_F_ACK_TLVS) == 0) {
    return {};
  }
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&header));
  std::size_t offset = sizeof *error;
  if ((header.nlmsg_flags & NLM_F_CAPPED) == 0) {
    offset += error->msg.nlmsg_len > sizeof(nlmsghdr) ? error->msg.nlmsg_len - sizeof(nlmsghdr) : 0;
  }
  if (offset > mnl_nlmsg_get_payload_len(&header)) {
    return {};
  }
  const char* end = reinterpret_cast<const char*>(&header) + header.nlmsg_len;
  const auto* attribute = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&header, offset));
  while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
    if (mnl_attr_get_type(attribute) == NLMSGERR_ATTR_MSG) {
      const auto* text = static_cast<const char*>(mnl_attr_get_payload(attribute));
      return {text, ::strnlen(text, mnl_attr_get_payload_len(attribute))};
    }
    attribute = mnl_attr_next(attribute);
  }
  return {};
}

NetlinkError no_answer(std::string_view tried, int error) {
  return {error, true, std::string(tried) + ": no answer: " + std::generic_category().message(error)};
}

bool is_error(const nlmsghdr& header) {
  return header.nlmsg_type == NLMSG_ERROR && mnl_nlmsg_get_payload_len(&header) >= sizeof(nlmsgerr);
}

} // namespace

NetlinkError error_of(const nlmsghdr& header, std::string_view tried) {
  const auto* answer = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(&header));
  const int error = answer->error < 0 ? -answer->error : 0;
  NetlinkError result{error, false, std::string(tried) + ": " + std::generic_category().message(error)};
  if (const std::string text = extended_ack(header); !text.empty()) {
    result.what += ": " + text;
  }
  return result;
}

NetlinkSocket::NetlinkSocket(std::string_view purpose)
    : socket_(mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC | SOCK_NONBLOCK)),
      buffer_(receive_buffer_bytes) {
  if (!socket_) {
    fail(purpose, "socket(AF_NETLINK, NETLINK_NETFILTER)");
  }
  if (mnl_socket_bind(socket_.get(), 0, MNL_SOCKET_AUTOPID) != 0) {
    fail(purpose, "bind of the netlink socket");
  }
  prepare();
}

NetlinkSocket::NetlinkSocket(std::string_view purpose, base::UniqueFd inherited)
    : socket_(mnl_socket_fdopen(inherited.get())), buffer_(receive_buffer_bytes) {
  if (!socket_) {
    fail(purpose, "the socket of the predecessor");
  }
  (void)inherited.release(); // it belongs to socket_ now
  int protocol = -1;
  socklen_t length = sizeof protocol;
  if (::getsockopt(fd(), SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0 || protocol != NETLINK_NETFILTER ||
      portid() == 0) {
    errno = EINVAL;
    fail(purpose, "the socket of the predecessor is not one to nf_tables");
  }
  const int flags = ::fcntl(fd(), F_GETFL);
  if (::fcntl(fd(), F_SETFL, flags | O_NONBLOCK) != 0 || ::fcntl(fd(), F_SETFD, FD_CLOEXEC) != 0) {
    fail(purpose, "fcntl of the predecessor's socket");
  }
  leftovers_ = true; // of its last conversation
  prepare();
}

void NetlinkSocket::prepare() {
  int on = 1;
  // Both only make errors more telling (Linux 4.12): their lack is no reason to fail.
  (void)mnl_socket_setsockopt(socket_.get(), NETLINK_EXT_ACK, &on, sizeof on);
  (void)mnl_socket_setsockopt(socket_.get(), NETLINK_CAP_ACK, &on, sizeof on);
  // A message must stay 32 bytes below the buffer (netlink_sendmsg); half of it leaves room for the kernel's
  // own count.
  batch_limit_bytes_ = raise_send_buffer(fd()) / 2;
}

int NetlinkSocket::fd() const {
  return mnl_socket_get_fd(socket_.get());
}

std::uint32_t NetlinkSocket::portid() const {
  return mnl_socket_get_portid(socket_.get());
}

// Answers to a conversation that was given up must not be taken for those of the next.
void NetlinkSocket::drop_leftovers() {
  if (!std::exchange(leftovers_, false)) {
    return;
  }
  while (::recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT) >= 0 || errno == ENOBUFS) {
  }
}

Result<void> NetlinkSocket::commit(Batch& batch) {
  drop_leftovers();
  batch.finish();
  for (std::size_t part = 0; part < batch.parts(); ++part) {
    if (auto done = send_part(batch, part); !done) {
      return done;
    }
  }
  return {};
}

Result<void> NetlinkSocket::send_part(Batch& batch, std::size_t part) {
  std::vector<iovec> pages = batch.pages(part);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  msghdr message{};
  message.msg_name = &kernel;
  message.msg_namelen = sizeof kernel;
  message.msg_iov = pages.data();
  message.msg_iovlen = pages.size();
  ssize_t sent = 0;
  do {
    sent = ::sendmsg(fd(), &message, 0);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) {
    const int error = errno;
    return base::Failure{
        NetlinkError{error, false, "sending a transaction: " + std::generic_category().message(error)}};
  }
  leftovers_ = true; // until read to the end
  return read_verdict(batch.first_sequence(part), batch.last_sequence(part));
}

// The kernel answers each refused message, and the last one in any case, all after the commit. A commit that
// fails as a whole is answered to BATCH_BEGIN, ahead of the rest; so the first error counts, and only a clean
// end is success.
Result<void> NetlinkSocket::read_verdict(std::uint32_t first, std::uint32_t last) {
  for (;;) {
    const ssize_t received = ::recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    if (received < 0) {
      if (errno == EINTR) {
        continue;
      }
      return base::Failure{no_answer("transaction", errno)};
    }
    int left = static_cast<int>(received);
    const auto* header = reinterpret_cast<const nlmsghdr*>(buffer_.data());
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (!is_error(*header) || header->nlmsg_seq < first || header->nlmsg_seq > last) {
        continue;
      }
      if (NetlinkError refused = error_of(*header, "transaction refused"); refused.error != 0) {
        return base::Failure{std::move(refused)};
      }
      if (header->nlmsg_seq == last) {
        leftovers_ = false;
        return {};
      }
    }
  }
}

Result<void> NetlinkSocket::request(std::uint16_t type, std::uint16_t flags, const Build& build,
                                    const std::function<void()>& begin, const OnMessage& on_message) {
  for (int attempt = 0; attempt < dump_tries; ++attempt) {
    begin();
    if (auto sent = begin_request(type, flags, build); !sent) {
      return sent;
    }
    Progress progress = Progress::more;
    while (progress == Progress::more) {
      auto piece = read_piece(on_message);
      if (!piece) {
        return base::Failure{piece.error()};
      }
      progress = piece.value();
    }
    if (progress == Progress::whole) {
      return {};
    }
  }
  return base::Failure{NetlinkError{EINTR, true, "dump: commits interrupted it again and again"}};
}

Result<void> NetlinkSocket::begin_request(std::uint16_t type, std::uint16_t flags, const Build& build) {
  drop_leftovers();
  nlmsghdr* message = mnl_nlmsg_put_header(buffer_.data());
  message->nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type);
  message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  message->nlmsg_seq = ++sequence_;
  auto* family = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
  family->nfgen_family = table_family;
  family->version = NFNETLINK_V0;
  family->res_id = 0;
  build(*message);
  if (mnl_socket_sendto(socket_.get(), message, message->nlmsg_len) < 0) {
    return base::Failure{NetlinkError{errno, false, "request: " + std::generic_category().message(errno)}};
  }
  leftovers_ = true;
  dump_ = (flags & NLM_F_DUMP) != 0;
  interrupted_ = false;
  return {};
}

Result<NetlinkSocket::Progress> NetlinkSocket::read_piece(const OnMessage& on_message) {
  ssize_t received = 0;
  do {
    received = ::recv(fd(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  } while (received < 0 && errno == EINTR);
  if (received < 0) {
    return base::Failure{no_answer("request", errno)};
  }
  int left = static_cast<int>(received);
  const auto* header = reinterpret_cast<const nlmsghdr*>(buffer_.data());
  for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
    if (header->nlmsg_seq != sequence_) {
      continue;
    }
    interrupted_ = interrupted_ || (header->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
    if (header->nlmsg_type == NLMSG_DONE) {
      leftovers_ = false;
      return interrupted_ ? Progress::interrupted : Progress::whole;
    }
    if (is_error(*header)) {
      const NetlinkError refused = error_of(*header, "request refused");
      if (refused.error == EINTR || refused.error == EAGAIN) {
        return Progress::interrupted;
      }
      if (refused.error != 0) {
        return base::Failure{refused};
      }
      return Progress::whole;
    }
    on_message(*header);
    if (!dump_) {
      leftovers_ = false;
      return Progress::whole;
    }
  }
  return Progress::more;
}

} // namespace healthgate::nft
