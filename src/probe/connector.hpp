// One TCP connection to the first of several addresses that takes it (RFC 8305, "happy eyeballs"): the next
// address is tried as soon as one refuses, and beside it when one stays silent.
#pragma once

#include "base/unique_fd.hpp"
#include "core/probe_result.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"
#include "probe/endpoint.hpp"

#include <functional>
#include <list>
#include <string>
#include <vector>

namespace healthgate::probe {

class Connector {
public:
  struct Refusal {
    Endpoint endpoint;
    int error = 0; // errno
  };
  struct Outcome {
    base::UniqueFd socket; // connected, non-blocking, TCP_NODELAY; not valid: nobody took it
    Endpoint local, peer;
    std::vector<Refusal> refusals; // in the order in which they came
  };
  using Done = std::function<void(Outcome)>;

  // `source` is the address to connect from, of length 0 for the kernel's choice; its port is not used.
  Connector(loop::EventLoop& loop, const Endpoint& source) : loop_(loop), source_(source) {}
  ~Connector() { cancel(); }
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;

  // Tries `endpoints`, at least one, in their order. `done` comes from the loop, never from inside this call,
  // and may destroy the connector. There is no deadline but the caller's, and the kernel's of about two
  // minutes.
  void start(std::vector<Endpoint> endpoints, Done done);
  void cancel(); // closes what is half open; harmless when nothing runs
  [[nodiscard]] bool running() const { return static_cast<bool>(done_); }
  // The addresses that were tried so far, for people: "::1 and 127.0.0.1".
  [[nodiscard]] std::string tried() const;

private:
  struct Attempt {
    Endpoint endpoint;
    base::UniqueFd socket;
    loop::IoWatch io; // after socket: it ends first
  };
  using AttemptAt = std::list<Attempt>::iterator;

  void try_next();
  int begin(const Endpoint& endpoint);
  void on_ready(AttemptAt attempt);
  void refused(const Endpoint& endpoint, int error);
  void conclude(Outcome outcome);
  void call_soon(void (Connector::*step)(), core::Duration delay);
  void give_up();

  loop::EventLoop& loop_;
  const Endpoint source_;
  Done done_;
  std::vector<Endpoint> endpoints_;
  std::size_t next_ = 0;
  std::list<Attempt> attempts_;
  std::vector<Refusal> refusals_;
  core::Timers::Id timer_ = 0;
};

// How refusals stand in a result: refused unless the network said otherwise (timeout, reset).
[[nodiscard]] core::FailureClass failure_of(const std::vector<Connector::Refusal>& refusals);
// "connection refused: ::1 and 127.0.0.1", "connection refused: ::1, no route to host: 192.0.2.1". Of
// characters that an nft comment takes, as every detail of a result should be where we choose the words.
[[nodiscard]] std::string describe(const std::vector<Connector::Refusal>& refusals);

} // namespace healthgate::probe
