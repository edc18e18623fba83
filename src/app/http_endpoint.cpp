#include "app/http_endpoint.hpp"

#include "base/log.hpp"
#include "config/values.hpp"
#include "listener/port_holder.hpp"
#include "observe/listen_socket.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

namespace healthgate::app {
namespace {

using namespace std::chrono_literals;
namespace log = base::log;

constexpr core::Duration retry_after = 250ms;
// Scrapers and pages, however many, cost the deciding thread ten snapshots a second at most.
constexpr auto snapshot_age = 100ms;
constexpr auto patience = 500ms;

void report(const std::string& problem) {
  if (problem.empty()) {
    log::debug("metrics-listen is served");
  } else {
    log::error("metrics-listen: " + problem);
  }
}

} // namespace

HttpEndpoint::HttpEndpoint(loop::EventLoop& loop, Daemon& daemon)
    : loop_(loop), daemon_(daemon), exchange_(loop, [this] { return daemon_.snapshot(); }),
      server_({{[this] { return snapshot(); }, [this] { return stalled_for(); }, observe::read_process_stats},
               report,
               {},
               10s}) {}

HttpEndpoint::~HttpEndpoint() {
  loop_.cancel(retry_);
}

void HttpEndpoint::configure() {
  const auto wanted = config::format_listen(daemon_.config().metrics_listen);
  loop_.cancel(std::exchange(retry_, 0));
  problem_ = 0;
  if (wanted == bound_) {
    server_.serve({}, access());
    return;
  }
  bound_.clear();
  server_.stop_serving();
  if (daemon_.config().metrics_listen) {
    bind();
  }
}

void HttpEndpoint::bind() {
  retry_ = 0;
  const auto& where = *daemon_.config().metrics_listen;
  auto socket = observe::listen_socket(where.host, where.port);
  if (!socket) {
    const auto& error = socket.error();
    complain(error);
    retry_ = loop_.at(loop_.now().mono + retry_after, [this] { bind(); });
    return;
  }
  server_.serve(std::move(socket).value(), access());
  bound_ = config::format_listen(daemon_.config().metrics_listen);
  problem_ = 0;
  const auto* const scheme = daemon_.config().metrics_cert.empty() ? "http://" : "https://";
  log::info("metrics and status are at " + (scheme + bound_) + "/");
}

// Once a problem: who holds the port takes milliseconds to find out.
void HttpEndpoint::complain(const observe::ListenError& error) {
  if (std::exchange(problem_, error.code) == error.code) {
    return;
  }
  const auto& where = *daemon_.config().metrics_listen;
  const auto holder = error.code == EADDRINUSE ? listener::port_holder(where.port) : "";
  log::error("metrics-listen = " + config::format_listen(where) + ": " + error.during + ": " +
             std::generic_category().message(error.code) + (holder.empty() ? "" : "; held by " + holder) +
             "; trying until it works");
}

observe::HttpAccess HttpEndpoint::access() const {
  const auto& config = daemon_.config();
  return {config.metrics_cert, config.metrics_key, config.metrics_token_file, config.metrics_allow};
}

std::shared_ptr<const core::Snapshot> HttpEndpoint::snapshot() {
  const auto now = std::chrono::steady_clock::now();
  if (recent_ == nullptr || now - recent_at_ > snapshot_age) {
    recent_ = exchange_.get(stalled_for() > patience ? 0ms : patience);
    recent_at_ = now;
  }
  return recent_;
}

// Inside a callback, or without an answer to a question: either way it decides nothing. Whoever asks first
// after it has stopped is told so at the next time.
core::Duration HttpEndpoint::stalled_for() {
  const auto now = std::chrono::steady_clock::now();
  if (now - asked_at_ > snapshot_age) {
    asked_at_ = now;
    exchange_.ask();
  }
  return std::max(loop_.stalled_for(), exchange_.unanswered_for());
}

} // namespace healthgate::app
