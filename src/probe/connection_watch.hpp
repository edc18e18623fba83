// The watched connection: idle, kept open between two probes so that its end tells at once that the service
// has gone. FIN or RST calls the hint; what the server sends on it stays unread.
#pragma once

#include "base/unique_fd.hpp"
#include "core/ports.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"

namespace healthgate::probe {

class ConnectionWatch {
public:
  explicit ConnectionWatch(loop::EventLoop& loop) : loop_(loop) {}

  void on_hint(core::Prober::Hint hint) { hint_ = std::move(hint); }
  // Takes the connection of a probe that has passed. It is refused, and the caller closes it, while an older
  // one is still open (the longer it has lived, the less its end is routine) or while the server is known to
  // end idle connections so soon that each would cost a probe for nothing.
  [[nodiscard]] bool offer(base::UniqueFd& socket);
  // The probe that followed an end has failed: it was no habit of the server, and the next one may be watched
  // at once.
  void was_news();
  void close();
  [[nodiscard]] bool open() const { return socket_.valid(); }

private:
  void ended(std::uint32_t events);

  loop::EventLoop& loop_;
  core::Prober::Hint hint_;
  base::UniqueFd socket_;
  loop::IoWatch io_; // after socket_: it ends first
  core::TimePoint opened_{};
  core::TimePoint next_{}; // no new watch before
  int short_lived_ = 0;    // connections in a row
  core::Duration quiet_{}; // how long the last pause was
};

} // namespace healthgate::probe
