#include "listener/listener.hpp"

#include "listener/port_holder.hpp"
#include "listener/socket_filter.hpp"
#include "listener/sockets.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace healthgate::listener {
namespace {

base::UniqueFd spare_descriptor() {
  return base::UniqueFd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

// While the accepted connections are all too young to be evicted: how soon to look at the queue again. Up
// to 270 connects a millisecond do not overrun it in between.
constexpr core::Duration look_again = std::chrono::milliseconds(5);

} // namespace

std::string ListenerError::to_string() const {
  return during + ": " + std::generic_category().message(code) +
         (holder.empty() ? "" : "; held by " + holder);
}

Listener::Listener(loop::EventLoop& loop, ListenerOptions options)
    : loop_(loop), options_(options), spare_(spare_descriptor()), accepted_(loop, options.limits) {
  if (!spare_.valid()) {
    throw std::system_error(errno, std::generic_category(), "open /dev/null");
  }
  accepted_.on_room([this] { resume(); });
}

Listener::~Listener() {
  loop_.cancel(retry_);
}

Listener::Status Listener::failed(int code, std::string during) const {
  return base::Failure{ListenerError{code, std::move(during), ""}};
}

Listener::Status Listener::bind(std::uint16_t port) {
  const auto during = "bind port " + std::to_string(port);
  int family = 0;
  auto fd = make_socket(family);
  if (!fd.valid()) {
    return failed(errno, during);
  }
  // A TIME_WAIT socket of an earlier life must not keep the port from us; once it is ours, nobody else may
  // use the option to take it while it is shut (rule 15).
  if (const int error = set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1); error != 0) {
    return failed(error, during);
  }
  if (int error = bind_all(fd.get(), family, port); error != 0) {
    // The kernel may have booted without IPv6 addresses (ipv6.disable_ipv6): the socket is there, the address
    // is not.
    if (error == EADDRNOTAVAIL && family == AF_INET6) {
      fd.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
      (void)set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1); // without it bind says so
      error = fd.valid() ? bind_all(fd.get(), AF_INET, port) : errno;
    }
    if (error != 0) {
      return base::Failure{ListenerError{error, during, error == EADDRINUSE ? port_holder(port) : ""}};
    }
  }
  if (const int error = attach(fd.get(), drop_everything()); error != 0) {
    return failed(error, "attach the socket filter");
  }
  if (const int error = listen_on(fd.get(), options_.backlog); error != 0) {
    return base::Failure{ListenerError{error, during, error == EADDRINUSE ? port_holder(port) : ""}};
  }
  fd_ = std::move(fd);
  port_ = bound_port(fd_.get());
  exact_ = true;
  state_ = State::listening;
  watch();
  return {};
}

Listener::Status Listener::adopt(base::UniqueFd fd) {
  int listening = 0;
  socklen_t length = sizeof listening;
  if (::getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0) {
    return failed(errno, "take over a listener");
  }
  const auto port = bound_port(fd.get());
  if (port == 0) {
    return failed(EINVAL, "take over a listener that is not bound");
  }
  const int flags = ::fcntl(fd.get(), F_GETFL);
  if (flags < 0 || ::fcntl(fd.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return failed(errno, "take over a listener");
  }
  watch_ = loop::IoWatch();
  fd_ = std::move(fd);
  port_ = port;
  state_ = listening != 0 ? State::listening : State::shut;
  if (state_ == State::listening) {
    watch();
  }
  return {};
}

base::UniqueFd Listener::release() {
  watch_ = loop::IoWatch();
  state_ = State::unbound;
  port_ = 0;
  return std::move(fd_);
}

Listener::Status Listener::shut() {
  if (state_ != State::listening) {
    return {};
  }
  watch_ = loop::IoWatch(); // first: a shut listener reports EPOLLHUP without end (rule 15)
  if (::shutdown(fd_.get(), SHUT_RD) != 0) {
    const int error = errno;
    watch();
    return failed(error, "shut port " + std::to_string(port_));
  }
  state_ = State::shut;
  return {};
}

Listener::Status Listener::listen_again() {
  if (state_ != State::shut) {
    return {};
  }
  if (const int error = listen_on(fd_.get(), options_.backlog); error != 0) {
    return base::Failure{ListenerError{error, "listen again on port " + std::to_string(port_),
                                       error == EADDRINUSE ? port_holder(port_) : ""}};
  }
  state_ = State::listening;
  watch();
  return {};
}

void Listener::reset_accepted() {
  accepted_.reset_all();
}

Listener::Status Listener::filter_all() {
  if (state_ == State::unbound) {
    return {};
  }
  const int error = attach(fd_.get(), drop_everything());
  exact_ = true;
  return error == 0 ? Status{} : failed(error, "attach the socket filter");
}

Listener::Status Listener::filter_allowed(const core::Allowlist& allow) {
  if (state_ == State::unbound) {
    return {};
  }
  const auto filter = pass_only(allow);
  const int error = attach(fd_.get(), filter);
  if (error != 0) {
    return failed(error, "attach the socket filter");
  }
  exact_ = filter.exact;
  return {};
}

void Listener::watch() {
  watch_ = loop::IoWatch(loop_, fd_.get(), EPOLLIN, [this](std::uint32_t) { on_ready(); });
}

void Listener::on_ready() {
  for (int count = 0; count < options_.accepts_per_wake; ++count) {
    const auto now = loop_.now().mono;
    if (const auto when = accepted_.full_until(now); when && queue_has_room(fd_.get())) {
      pause_until(std::min(*when, now + look_again));
      return;
    }
    base::UniqueFd connection(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (connection.valid()) {
      ++accepted_count_;
      if (descriptors_run_out(connection.get())) {
        end_politely(std::move(connection));
      } else {
        accepted_.add(std::move(connection));
      }
      continue;
    }
    switch (errno) {
    case EAGAIN:
      return;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      ++emfile_count_;
      if (!make_room()) {
        return;
      }
      break;
    default: // ECONNABORTED, EINTR, a network error of this one connection (accept(2)): the next one, please
      break;
    }
  }
}

// No descriptor is left: the oldest connection gives its own, unless it is so young that its peer may not
// have looked at it yet. Then the spare one takes the newcomer and ends it. If even that fails, the queue
// waits a moment, so that the loop does not spin.
bool Listener::make_room() {
  if (!accepted_.oldest_is_young(loop_.now().mono) && accepted_.evict_oldest()) {
    return true;
  }
  spare_.reset();
  base::UniqueFd newcomer(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  const bool taken = newcomer.valid();
  end_politely(std::move(newcomer));
  spare_ = spare_descriptor();
  if (!taken) {
    pause_until(loop_.now().mono + options_.retry_after);
  }
  return taken;
}

// Leaves new connections in the kernel's queue; the one who comes earlier ends it, the time or resume().
void Listener::pause_until(core::TimePoint when) {
  watch_.disable();
  loop_.cancel(retry_);
  retry_ = loop_.at(when, [this] { resume(); });
}

void Listener::resume() {
  loop_.cancel(std::exchange(retry_, 0));
  if (state_ == State::listening) {
    watch_.enable();
  }
}

ListenerCounters Listener::counters() const {
  ListenerCounters counters;
  counters.accepted = accepted_count_;
  counters.evicted = accepted_.counters().evicted;
  counters.emfile = emfile_count_;
  counters.resets = accepted_.counters().resets;
  return counters;
}

} // namespace healthgate::listener
