// The connections that were accepted and wait for their peer to close. A load balancer's check needs nothing
// but the handshake, so nothing is ever sent, and what the peer sends is thrown away.
#pragma once

#include "base/unique_fd.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace healthgate::listener {

// A bounded set of sockets. The one who closes first keeps TIME_WAIT, so the peer shall: a connection whose
// peer closed is closed, every other end of ours is a reset (SO_LINGER 0).
class Accepted {
public:
  struct Limits {
    std::size_t connections = 64;                          // one more evicts the oldest, see full_until()
    core::Duration grace = std::chrono::milliseconds(200); // of each: a burst evicts nobody younger
    core::Duration patience = std::chrono::seconds(5);     // for a peer that does not close
    std::size_t bytes = 64 * 1024;                         // that one peer may send
  };
  struct Counters {
    std::uint64_t evicted = 0; // reset to make room
    std::uint64_t resets = 0;  // reset by us for any reason, evictions included
  };

  Accepted(loop::EventLoop& loop, Limits limits); // throws std::system_error
  ~Accepted();
  Accepted(const Accepted&) = delete;
  Accepted& operator=(const Accepted&) = delete;

  void add(base::UniqueFd connection); // evicts the oldest when it is full
  // When it is full of connections so young that none should be evicted: until when. The next ones wait in
  // the kernel's queue until then, or until on_room's call; their peers' handshakes are complete.
  [[nodiscard]] std::optional<core::TimePoint> full_until(core::TimePoint now) const;
  void on_room(std::function<void()> call) { room_ = std::move(call); } // peers have ended theirs
  [[nodiscard]] bool oldest_is_young(core::TimePoint now) const;        // false when there is none
  bool evict_oldest();                                                  // false when there is none
  void reset_all();

  [[nodiscard]] std::size_t size() const { return connections_.size(); }
  [[nodiscard]] const Counters& counters() const { return counters_; }

private:
  using Id = std::uint64_t; // grows: the first of the map is the oldest
  struct Connection {
    base::UniqueFd fd;
    core::TimePoint deadline;
    std::size_t received_bytes = 0;
  };
  using Connections = std::map<Id, Connection>;

  void on_events();
  void receive(Connections::iterator at);
  void reset(Connections::iterator at);
  void arm();
  void on_deadline();

  loop::EventLoop& loop_;
  Limits limits_;
  Counters counters_;
  Connections connections_;
  Id last_id_ = 0;
  core::Timers::Id timer_ = 0;
  std::function<void()> room_;
  base::UniqueFd epoll_; // all connections behind one descriptor of the loop
  loop::IoWatch watch_;
};

} // namespace healthgate::listener
