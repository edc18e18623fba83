#include "listener/responder.hpp"

#include "core/allowlist.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace healthgate::listener {
namespace {

constexpr std::size_t most_clients = 64; // the oldest leaves for the next
constexpr std::size_t request_limit_bytes = 4096;
constexpr std::chrono::seconds patience{2}; // with one client, whatever it does
constexpr int backlog = 64;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress socket_address(const core::Address& address, std::uint16_t port) {
  SocketAddress out;
  if (address.family == core::Family::ipv4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof v4.sin_addr);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof v6.sin6_addr);
    std::memcpy(&out.storage, &v6, sizeof v6);
    out.size = sizeof v6;
  }
  return out;
}

bool head_is_whole(const std::string& request) {
  return request.find("\r\n\r\n") != std::string::npos || request.find("\n\n") != std::string::npos;
}

} // namespace

Responder::Responder(loop::EventLoop& loop, Protocol protocol, Answer answer)
    : loop_(loop), protocol_(protocol), answer_(std::move(answer)) {}

Responder::~Responder() {
  loop_.cancel(pause_);
  while (!clients_.empty()) {
    drop(clients_.begin());
  }
}

base::Result<void, std::string> Responder::listen(const std::string& address, std::uint16_t port) {
  const auto failed = [](const char* step) {
    return base::Failure{std::string(step) + ": " + std::generic_category().message(errno)};
  };
  const auto parsed = core::Address::parse(address);
  if (!parsed) {
    return base::Failure{parsed.error()};
  }
  const auto where = socket_address(parsed.value(), port);
  base::UniqueFd fd(::socket(where.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    return failed("socket");
  }
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on); // bind() tells if it was needed
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&where.storage), where.size) != 0) {
    return failed("bind");
  }
  if (::listen(fd.get(), backlog) != 0) {
    return failed("listen");
  }
  fd_ = std::move(fd);
  watch_ = loop::IoWatch(
      loop_, fd_.get(), EPOLLIN, [this](std::uint32_t) { accept(); }, loop::Priority::serving);
  return {};
}

// One client a turn: others of the loop come between.
void Responder::accept() {
  base::UniqueFd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE) {
      watch_.disable(); // level-triggered: it would keep the loop busy
      pause_ = loop_.at(loop_.now().mono + patience, [this] { watch_.enable(); });
    }
    return;
  }
  if (clients_.size() >= most_clients) {
    drop(clients_.begin());
  }
  const auto client = clients_.insert(clients_.end(), Client());
  client->fd = std::move(fd);
  client->deadline = loop_.at(loop_.now().mono + patience, [this, client] {
    client->deadline = 0;
    drop(client);
  });
  client->watch = loop::IoWatch(
      loop_, client->fd.get(), EPOLLIN | EPOLLRDHUP, [this, client](std::uint32_t) { read(client); },
      loop::Priority::serving);
  if (protocol_ == Protocol::line) {
    answer(client);
  }
}

// What comes after the answer is read and forgotten until the client hangs up: to close with something unread
// would reset the connection, and the answer with it.
void Responder::read(Clients::iterator client) {
  std::array<char, 1024> buffer{};
  const auto count = ::recv(client->fd.get(), buffer.data(), buffer.size(), 0);
  if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR)) {
    drop(client);
    return;
  }
  if (count < 0 || client->answered) {
    return;
  }
  client->request.append(buffer.data(), static_cast<std::size_t>(count));
  if (head_is_whole(client->request) || client->request.size() > request_limit_bytes) {
    answer(client);
  }
}

// A few hundred bytes, which a new connection's send buffer always takes.
void Responder::answer(Clients::iterator client) {
  const auto text = answer_(client->request);
  client->answered = true;
  if (::send(client->fd.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()) ||
      ::shutdown(client->fd.get(), SHUT_WR) != 0) {
    drop(client);
  }
}

void Responder::drop(Clients::iterator client) {
  loop_.cancel(client->deadline);
  clients_.erase(client);
}

} // namespace healthgate::listener
