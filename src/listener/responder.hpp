// A small TCP service that says one thing to whoever asks, and hangs up: HAProxy's agent-check, and HTTP
// health checks. Runs on the loop at Priority::serving; every client is bounded in time, size and number, and
// none of them delays a verdict.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "loop/io.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <string>

namespace healthgate::listener {

class Responder {
public:
  enum class Protocol {
    line, // the answer is sent upon connect: HAProxy's agent-check
    http, // ... once the head of a request is whole
  };
  // The answer, whole; `request` is the head of an HTTP request, "" for a line.
  using Answer = std::function<std::string(const std::string& request)>;

  Responder(loop::EventLoop& loop, Protocol protocol, Answer answer);
  ~Responder();
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  // Binds a numeric address. The failure is one sentence.
  [[nodiscard]] base::Result<void, std::string> listen(const std::string& address, std::uint16_t port);
  [[nodiscard]] bool listening() const { return fd_.valid(); }

private:
  struct Client {
    base::UniqueFd fd;
    loop::IoWatch watch;
    std::string request;
    bool answered = false;
    core::Timers::Id deadline = 0;
  };
  using Clients = std::list<Client>;

  void accept();
  void read(Clients::iterator client);
  void answer(Clients::iterator client);
  void drop(Clients::iterator client);

  loop::EventLoop& loop_;
  Protocol protocol_;
  Answer answer_;
  base::UniqueFd fd_;
  loop::IoWatch watch_;
  core::Timers::Id pause_ = 0; // no descriptors are left: nothing is accepted until then
  Clients clients_;            // the oldest first
};

} // namespace healthgate::listener
