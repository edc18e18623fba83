// The permanent listener of one gate: what a load balancer's connects meet while the gate is open.
//
//   state      the port is    a SYN that nft let through is answered by    entered by
//   unbound    not ours       whoever holds it                            construction, release()
//   listening  ours           SYN-ACK                                     bind(), adopt(), listen_again()
//   shut       ours           RST, by the kernel                          shut()
//
// In every bound state the socket filter comes first: what it drops gets no answer, except while shut: then
// no socket listens and the kernel's RST goes to everyone whom nft lets through.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "core/allowlist.hpp"
#include "listener/accepted.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"

#include <cstdint>
#include <string>

namespace healthgate::listener {

struct ListenerError {
  int code = 0;       // errno
  std::string during; // "bind port 18898"
  std::string holder; // for EADDRINUSE: "haproxy (pid 812)", see port_holder()

  [[nodiscard]] std::string
  to_string() const; // "bind port 18898: Address already in use; held by haproxy (pid 812)"
};

struct ListenerOptions {
  int backlog = 4096;        // the kernel caps it at net.core.somaxconn
  int accepts_per_wake = 64; // so that a flood does not keep the loop from anything else
  core::Duration retry_after = std::chrono::milliseconds(100); // pause when no descriptor could be had
  Accepted::Limits limits;
};

struct ListenerCounters {
  std::uint64_t accepted = 0;
  std::uint64_t evicted = 0; // accepted connections reset to make room for newer ones
  std::uint64_t emfile = 0;  // times that accept found no free descriptor (EMFILE, ENFILE) or memory
  std::uint64_t resets = 0;  // accepted connections that we reset, for any reason
};

class Listener {
public:
  enum class State { unbound, listening, shut };
  using Status = base::Result<void, ListenerError>;

  explicit Listener(loop::EventLoop& loop, ListenerOptions options = {}); // throws std::system_error
  ~Listener(); // resets the accepted connections and closes the port

  // Binds and listens on all addresses of both families, or of IPv4 where the host has no IPv6. Port 0 takes
  // a free one. SO_REUSEADDR lets it pass TIME_WAIT sockets and is cleared at once, so that nobody can take
  // the port while it is shut. The filter that drops everything is attached before listen(2), so that no
  // packet slips in. Does not block, but for some milliseconds in /proc to name the holder of a port that is
  // taken.
  Status bind(std::uint16_t port);
  // Takes over a TCP socket that is bound already (fd store, predecessor), with the filter that it has. One
  // that does not listen is taken as shut.
  Status adopt(base::UniqueFd fd);
  // Hands the socket over as it is; the accepted connections stay until their end.
  base::UniqueFd release();

  // Refuses at once (0.4 us; measured, nft-findings 7): connects get RST, queued ones are reset, accepted
  // ones live on. The port stays ours.
  Status shut();
  Status listen_again();
  // Resets every accepted connection: the gate has closed.
  void reset_accepted();

  // The second lock; each replaces the one before, without a moment of none.
  Status filter_all();
  Status filter_allowed(const core::Allowlist& allow);
  // False when the allowlist had to be widened to fit (SocketFilter::exact).
  [[nodiscard]] bool exact() const { return exact_; }

  [[nodiscard]] State state() const { return state_; }
  [[nodiscard]] std::uint16_t port() const { return port_; } // 0 while unbound
  [[nodiscard]] int fd() const { return fd_.get(); }         // for the fd store; -1 while unbound
  [[nodiscard]] std::size_t connections() const { return accepted_.size(); }
  [[nodiscard]] ListenerCounters counters() const;

private:
  Status failed(int code, std::string during) const;
  void watch();
  void on_ready();
  void pause_until(core::TimePoint when);
  void resume();
  bool make_room();

  loop::EventLoop& loop_;
  ListenerOptions options_;
  State state_ = State::unbound;
  std::uint16_t port_ = 0;
  bool exact_ = true;
  std::uint64_t accepted_count_ = 0;
  std::uint64_t emfile_count_ = 0;
  core::Timers::Id retry_ = 0;
  base::UniqueFd spare_; // one descriptor kept for the moment when there are no others
  Accepted accepted_;
  base::UniqueFd fd_;
  loop::IoWatch watch_;
};

} // namespace healthgate::listener
