// The control socket of the daemon. It runs on the loop at Priority::serving, one request a turn, so that no
// client delays a verdict; every buffer and count is bounded, and a client that does not read is dropped.
//
// Who may what: see peer.hpp. The file is 0660, of group healthgate where that exists; 0666 with
// `status-public`, when everybody may read and the same few may steer.
#pragma once

#include "base/result.hpp"
#include "control/peer.hpp"
#include "control/protocol.hpp"
#include "control/reply.hpp"
#include "loop/event_loop.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace healthgate::control {

struct ServerOptions {
  std::filesystem::path path;
  bool status_public = false;
  bool replace_live = false;        // take the name from a daemon that still listens: for `run --takeover`
  std::string group = "healthgate"; // of the file, and whose members may steer
  std::size_t connections = 32;     // who may steer replaces a reader when it is reached
  std::size_t unanswered = 8;       // of one connection; further requests wait
  std::size_t output_limit_bytes = 16 * 1024 * 1024;               // that wait for one client
  core::Duration idle_limit = std::chrono::seconds(60);            // without a request or an answer
  core::Duration stall_limit = std::chrono::seconds(10);           // with output that nobody takes
  core::Duration least_watch_gap = std::chrono::milliseconds(200); // between two lines of `watch`
  core::Duration longest_watch_gap = std::chrono::seconds(1);      // when nothing has changed
};

// What the application does. Both are called from the loop, never from inside listen(), and may not destroy
// the server.
struct Handler {
  // Called for what the peer may do, but for `watch`, which is asked as `status` again and again. The answer
  // may come later, through `reply`.
  std::function<void(const Request& request, const Peer& peer, Reply reply)> handle;
  // The connection of a peer that began a takeover has ended. May be empty.
  std::function<void(const Peer& peer)> successor_left;
};

class Server {
public:
  Server(loop::EventLoop& loop, ServerOptions options, Handler handler);
  ~Server(); // closes every connection without an answer, and removes the socket's file
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Binds the socket and serves. The failure is one sentence: another healthgate listens there, what is there
  // is not a socket, permission. Looks the group up by getgrnam(3), which may ask the network.
  [[nodiscard]] base::Result<void, std::string> listen();
  // "" or a sentence for the log: the group could not be set.
  [[nodiscard]] std::string note() const;

  // Something that `status` shows has changed: whoever watches hears of it within least_watch_gap.
  void changed();
  // For a reload; connections of those who lose the right to read stay and are refused.
  void set_status_public(bool status_public);

  [[nodiscard]] std::size_t connections() const;

private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace healthgate::control
