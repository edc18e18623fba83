#include "listener/accepted.hpp"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace healthgate::listener {

Accepted::Accepted(loop::EventLoop& loop, Limits limits) : loop_(loop), limits_(limits) {
  epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_.valid()) {
    throw std::system_error(errno, std::generic_category(), "epoll_create1");
  }
  watch_ = loop::IoWatch(loop, epoll_.get(), EPOLLIN, [this](std::uint32_t) { on_events(); });
}

Accepted::~Accepted() {
  reset_all();
  loop_.cancel(timer_);
}

void Accepted::add(base::UniqueFd connection) {
  while (connections_.size() >= limits_.connections && evict_oldest()) {
  }
  const Id id = ++last_id_;
  epoll_event event{};
  event.events = EPOLLIN | EPOLLRDHUP;
  event.data.u64 = id;
  const bool watched = ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.get(), &event) == 0;
  const auto at =
      connections_.emplace(id, Connection{std::move(connection), loop_.now().mono + limits_.patience, 0})
          .first;
  if (!watched) { // fs.epoll.max_user_watches: one that cannot be watched cannot be kept
    reset(at);
    return;
  }
  arm();
}

std::optional<core::TimePoint> Accepted::full_until(core::TimePoint now) const {
  if (connections_.size() < limits_.connections || !oldest_is_young(now)) {
    return std::nullopt;
  }
  return connections_.begin()->second.deadline - limits_.patience + limits_.grace;
}

bool Accepted::oldest_is_young(core::TimePoint now) const {
  return !connections_.empty() &&
         now < connections_.begin()->second.deadline - limits_.patience + limits_.grace;
}

bool Accepted::evict_oldest() {
  if (connections_.empty()) {
    return false;
  }
  ++counters_.evicted;
  reset(connections_.begin());
  return true;
}

void Accepted::reset_all() {
  while (!connections_.empty()) {
    reset(connections_.begin());
  }
}

void Accepted::on_events() {
  std::array<epoll_event, 64> events{};
  const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
  for (int index = 0; index < count; ++index) {
    const auto at = connections_.find(events[static_cast<std::size_t>(index)].data.u64);
    if (at != connections_.end()) {
      receive(at);
    }
  }
  if (room_ && connections_.size() < limits_.connections) {
    room_();
  }
}

void Accepted::receive(Connections::iterator at) {
  std::array<char, 4096> sink{};
  const auto count = ::recv(at->second.fd.get(), sink.data(), sink.size(), MSG_DONTWAIT);
  if (count > 0) {
    at->second.received_bytes += static_cast<std::size_t>(count);
    if (at->second.received_bytes > limits_.bytes) {
      reset(at);
    }
    return;
  }
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return;
  }
  connections_.erase(at); // the peer closed first, or reset: TIME_WAIT is not ours
}

void Accepted::reset(Connections::iterator at) {
  const linger at_once{1, 0};
  // A socket that cannot take the option is closed in the ordinary way.
  (void)::setsockopt(at->second.fd.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  connections_.erase(at);
  ++counters_.resets;
}

// One timer, for the oldest: deadlines come in the order of arrival.
void Accepted::arm() {
  if (timer_ == 0 && !connections_.empty()) {
    timer_ = loop_.at(connections_.begin()->second.deadline, [this] { on_deadline(); });
  }
}

void Accepted::on_deadline() {
  timer_ = 0;
  const auto now = loop_.now().mono;
  while (!connections_.empty() && connections_.begin()->second.deadline <= now) {
    reset(connections_.begin());
  }
  arm();
}

} // namespace healthgate::listener
