// metrics-listen: binds the port, follows reloads, and hands snapshots of the daemon to the HTTP server's
// thread. A port that somebody else holds stops nothing: it is named, and tried again until it is free.
#pragma once

#include "app/daemon.hpp"
#include "app/snapshot_exchange.hpp"
#include "observe/http_server.hpp"
#include "observe/listen_socket.hpp"

#include <memory>
#include <optional>
#include <string>

namespace healthgate::app {

class HttpEndpoint {
public:
  // References outlive it. Throws std::system_error.
  HttpEndpoint(loop::EventLoop& loop, Daemon& daemon);
  ~HttpEndpoint();
  HttpEndpoint(const HttpEndpoint&) = delete;
  HttpEndpoint& operator=(const HttpEndpoint&) = delete;

  // Does what the daemon's configuration says now: at start, and after each reload.
  void configure();

private:
  void bind();
  [[nodiscard]] observe::HttpAccess access() const;
  [[nodiscard]] std::shared_ptr<const core::Snapshot> snapshot();
  [[nodiscard]] core::Duration stalled_for();
  void complain(const observe::ListenError& error);

  loop::EventLoop& loop_;
  Daemon& daemon_;
  SnapshotExchange exchange_;
  std::string bound_; // the address that is served, "" while none is
  int problem_ = 0;   // errno of the last problem that was logged
  core::Timers::Id retry_ = 0;
  // The server's thread alone: one snapshot answers all who ask within a moment.
  std::shared_ptr<const core::Snapshot> recent_;
  std::chrono::steady_clock::time_point recent_at_;
  std::chrono::steady_clock::time_point asked_at_; // whether the deciding thread lives
  observe::HttpServer server_;                     // ends before what its thread uses
};

} // namespace healthgate::app
