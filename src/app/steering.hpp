// What people and programs on the control socket may ask of the daemon, and what it answers.
#pragma once

#include "app/daemon.hpp"
#include "control/server.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace healthgate::app {

class Steering {
public:
  // Serves on the configuration's control-socket; `replaces` a predecessor that may still listen there.
  // References outlive it.
  Steering(loop::EventLoop& loop, Daemon& daemon, bool replaces);
  Steering(const Steering&) = delete;
  Steering& operator=(const Steering&) = delete;

  // A failure is a sentence: without its socket the daemon can do its work, but nobody can steer it.
  [[nodiscard]] base::Result<void, std::string> listen();
  // Something that people watch has changed.
  void changed() { server_.changed(); }

private:
  void handle(const control::Request& request, const control::Peer& peer, control::Reply reply);
  void tell_status(const control::Request& request, const control::Reply& reply);
  void override_gates(const control::Request& request, const control::Peer& peer,
                      const control::Reply& reply);
  void end_overrides(const control::Request& request, const control::Peer& peer, const control::Reply& reply);
  void probe_now(const control::Request& request, control::Reply reply);
  void reload(const control::Reply& reply);
  void hand_over(const control::Request& request, const control::Peer& peer, const control::Reply& reply);
  void successor_left(const control::Peer& peer);
  [[nodiscard]] std::vector<Gate*> gates_of(const control::Request& request, const control::Reply& reply);

  loop::EventLoop& loop_;
  Daemon& daemon_;
  std::optional<std::uint64_t> successor_; // the connection that took the descriptors and has not come yet
  control::Server server_;
};

} // namespace healthgate::app
