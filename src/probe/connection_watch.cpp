#include "probe/connection_watch.hpp"

#include <algorithm>

namespace healthgate::probe {
namespace {

// An idle connection that lived shorter than this was ended by the server's own habit, if it is not the first
// such one: a process that is being killed may close a connection before its listener, and take one more in
// between.
constexpr core::Duration routine = std::chrono::seconds(2);
constexpr core::Duration first_pause = std::chrono::seconds(10);
constexpr core::Duration longest_pause = std::chrono::minutes(5);

} // namespace

bool ConnectionWatch::offer(base::UniqueFd& socket) {
  const auto now = loop_.now().mono;
  if (open() || now < next_) {
    return false;
  }
  socket_ = std::move(socket);
  opened_ = now;
  // EPOLLRDHUP alone: what the server sends on an idle connection is nothing that we would read. EPOLLET:
  // unread bytes must not wake us again and again.
  io_ = loop::IoWatch(
      loop_, socket_.get(), EPOLLRDHUP | EPOLLET, [this](std::uint32_t events) { ended(events); },
      loop::Priority::deciding);
  return true;
}

void ConnectionWatch::was_news() {
  short_lived_ = 0;
  quiet_ = core::Duration::zero();
  next_ = core::TimePoint{};
}

void ConnectionWatch::close() {
  io_ = loop::IoWatch();
  socket_.reset();
}

void ConnectionWatch::ended(std::uint32_t events) {
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) {
    return;
  }
  close();
  const auto now = loop_.now().mono;
  short_lived_ = now - opened_ < routine ? short_lived_ + 1 : 0;
  quiet_ = short_lived_ > 1 ? std::clamp(2 * quiet_, first_pause, longest_pause) : core::Duration::zero();
  next_ = now + quiet_;
  if (hint_) {
    hint_("idle connection ended");
  }
}

} // namespace healthgate::probe
