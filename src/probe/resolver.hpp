// Names to addresses without blocking the loop: getaddrinfo(3) runs on helper threads, at most four at a
// time, which end when nothing is left to look up. Used for names that probe/endpoint.hpp does not know by
// itself.
#pragma once

#include "base/unique_fd.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"
#include "probe/endpoint.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace healthgate::probe {

struct Resolution {
  std::vector<Endpoint> endpoints; // in the order of RFC 6724, as getaddrinfo gives them; empty: it failed
  std::string error;               // one short line, "" when it went well: "Name or service not known"
};

class Resolver {
public:
  using Done = std::function<void(Resolution)>;

  explicit Resolver(loop::EventLoop& loop); // throws std::system_error
  // Does not wait for the helper threads: a name server that is silent holds getaddrinfo for half a minute,
  // and nothing can call it back. They end by themselves and touch nothing of the resolver.
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // A lookup under way; destroying it means that `done` will not be called.
  class Lookup {
  public:
    Lookup() = default;
    Lookup(Lookup&& other) noexcept;
    Lookup& operator=(Lookup&& other) noexcept;
    ~Lookup() { end(); }

  private:
    friend class Resolver;
    Lookup(Resolver& resolver, std::uint64_t id) : resolver_(&resolver), id_(id) {}
    void end() noexcept;

    Resolver* resolver_ = nullptr;
    std::uint64_t id_ = 0;
  };

  // Looks `host` up for stream sockets. `done` comes from the loop, never from inside this call, and without
  // a bound in time: the caller keeps its own deadline. Probes that ask for the same host at the same time
  // share one lookup, so that a dead name server costs one thread a name.
  [[nodiscard]] Lookup resolve(const std::string& host, std::uint16_t port, Done done);

private:
  struct Shared;
  struct Waiter {
    std::string host;
    std::uint16_t port;
    Done done;
  };
  static void work(const std::shared_ptr<Shared>& shared);
  void collect();

  std::shared_ptr<Shared> shared_;
  loop::IoWatch wakeup_;
  std::map<std::uint64_t, Waiter> waiters_;
  std::uint64_t last_id_ = 0;
};

} // namespace healthgate::probe
