// The HTTP server of metrics-listen, on a thread of its own, so that no scraper and no slow client ever
// delays a verdict. Connections are bounded (http_connections.hpp); one that is idle or slow for
// `idle_limit` is closed; while descriptors are short, the oldest go.
//
// The caller binds the port and hands over the listening socket; certificate, key and token are read on the
// server's thread, for a disk may be slow. What cannot be read never leads to an answer with less protection:
// what was served before goes on, or nothing is served.
#pragma once

#include "base/unique_fd.hpp"
#include "core/allowlist.hpp"
#include "observe/http_connections.hpp"
#include "observe/http_routes.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace healthgate::observe {

struct HttpAccess {
  std::filesystem::path cert, key;              // both or none
  std::filesystem::path token_file;             // "" for none
  std::shared_ptr<const core::Allowlist> allow; // who may connect beside loopback, as in the kernel's table
};

struct HttpServerOptions {
  HttpSource source;
  // A sentence about what cannot be served, or "" when it can. Called on the server's thread.
  std::function<void(const std::string& problem)> report;
  ConnectionLimits limits;
  std::chrono::seconds idle_limit{10};
};

class HttpServer {
public:
  // Starts the thread, which waits for serve(). Throws std::system_error.
  explicit HttpServer(HttpServerOptions options);
  ~HttpServer(); // waits for the answer that is being made
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // Serves on `listener`, which does not block and listens, from now on; without one, on the same as before.
  // Files are read again. Returns at once.
  void serve(base::UniqueFd listener, HttpAccess access);
  // Closes the listener and all connections, soon. Returns at once.
  void stop_serving();

private:
  // What the thread is to do next; the last order wins, but for a listener that came with an earlier one.
  struct Order {
    base::UniqueFd listener;
    HttpAccess access;
    bool serve = false;
    bool end = false;
  };

  void give(Order order);
  [[nodiscard]] std::optional<Order> take();
  void run();

  HttpServerOptions options_;
  base::UniqueFd wake_; // eventfd
  std::mutex mutex_;    // guards order_
  std::optional<Order> order_;
  std::thread thread_;
};

} // namespace healthgate::observe
