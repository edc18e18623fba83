#include "nft/pulse.hpp"

#include "nft/rules.hpp"

#include <array>
#include <cerrno>
#include <system_error>

#include <netinet/in.h>
#include <sys/socket.h>

namespace healthgate::nft {
namespace {

base::UniqueFd marked_socket(std::uint32_t mark) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) {
    throw std::system_error(errno, std::generic_category(), "pulse: socket(AF_INET, SOCK_DGRAM)");
  }
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_MARK, &mark, sizeof mark) != 0) {
    throw std::system_error(errno, std::generic_category(),
                            "pulse: setting the mark, which needs CAP_NET_ADMIN");
  }
  return fd;
}

core::PulseResult send_pulse(int fd, std::uint16_t port, std::uint64_t nonce) {
  std::array<std::uint8_t, 8> payload{};
  for (std::size_t i = 0; i < payload.size(); ++i) {
    payload[i] = static_cast<std::uint8_t>(nonce >> (56 - 8 * i));
  }
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const auto began = std::chrono::steady_clock::now();
  const ssize_t sent = ::sendto(fd, payload.data(), payload.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&to), sizeof to);
  core::PulseResult result;
  result.error = sent < 0 ? errno : 0;
  result.took = std::chrono::steady_clock::now() - began;
  result.answer = result.error == EPERM ? core::PulseAnswer::acknowledged : core::PulseAnswer::unanswered;
  return result;
}

} // namespace

Pulse::Pulse() : renewing_(marked_socket(mark_renew)), revoking_(marked_socket(mark_revoke)) {}

core::PulseResult Pulse::renew(std::uint16_t port, std::uint64_t nonce) const {
  return send_pulse(renewing_.get(), port, nonce);
}

core::PulseResult Pulse::revoke(std::uint16_t port, std::uint64_t nonce) const {
  return send_pulse(revoking_.get(), port, nonce);
}

bool Pulse::is_honest(std::uint16_t port, std::uint64_t wrong_nonce) const {
  return renew(port, wrong_nonce).answer == core::PulseAnswer::unanswered &&
         revoke(port, wrong_nonce).answer == core::PulseAnswer::unanswered;
}

} // namespace healthgate::nft
