#include "observe/http_server.hpp"

#include "observe/http_worker.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <tuple>
#include <utility>

namespace healthgate::observe {
namespace {

constexpr std::chrono::milliseconds pause_without_descriptors{100};
constexpr std::chrono::milliseconds longest_wait{1000};

base::UniqueFd make_eventfd() {
  base::UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  return fd;
}

// Waits for the order, the listener or a connection; a descriptor of -1 is left out (poll(2)).
bool wait_for(int wake, int listener, int connections, std::chrono::milliseconds longest) {
  std::array<pollfd, 3> fds = {{{wake, POLLIN, 0}, {listener, POLLIN, 0}, {connections, POLLIN, 0}}};
  (void)::poll(fds.data(), fds.size(), static_cast<int>(longest.count())); // EINTR: look what there is
  return fds[1].revents != 0;
}

// What the thread has at hand.
class Serving {
public:
  explicit Serving(const HttpServerOptions& options) : options_(options), worker_(options) {}

  void begin(base::UniqueFd listener, HttpAccess access);
  void end();
  // Waits for `wake` or for somebody to be served, and serves.
  void turn(int wake);

private:
  const HttpServerOptions& options_;
  HttpWorker worker_;
  base::UniqueFd listener_;
  HttpAccess access_;
  bool starved_ = false; // of descriptors: newcomers wait a moment
};

void Serving::begin(base::UniqueFd listener, HttpAccess access) {
  if (listener.valid()) {
    listener_ = std::move(listener);
  }
  const auto files = [](const HttpAccess& one) { return std::tie(one.cert, one.key, one.token_file); };
  const bool same_files = files(access) == files(access_);
  access_ = std::move(access);
  const auto secrets = read_secrets(access_);
  std::string problem;
  if (!secrets) {
    problem = secrets.error();
  } else if (!worker_.start(secrets.value())) {
    problem = "metrics-cert and metrics-key are not accepted: they must be PEM, and belong together";
  }
  if (!problem.empty() && !same_files) { // going on would mean less protection than is wanted now
    worker_.stop();
  }
  options_.report(problem);
}

void Serving::end() {
  listener_.reset();
  worker_.stop();
}

void Serving::turn(int wake) {
  const bool serves = worker_.fd() >= 0 && listener_.valid();
  auto longest = std::min(worker_.next_deadline().value_or(longest_wait), longest_wait);
  if (starved_) {
    longest = std::min(longest, pause_without_descriptors);
  }
  const bool somebody = wait_for(wake, serves && !starved_ ? listener_.get() : -1, worker_.fd(), longest);
  starved_ = serves && (somebody || starved_) && !worker_.accept(listener_.get(), access_.allow.get());
  worker_.run();
}

} // namespace

HttpServer::HttpServer(HttpServerOptions options)
    : options_(std::move(options)), wake_(make_eventfd()), thread_([this] { run(); }) {}

HttpServer::~HttpServer() {
  Order order;
  order.end = true;
  give(std::move(order));
  thread_.join();
}

void HttpServer::serve(base::UniqueFd listener, HttpAccess access) {
  give({std::move(listener), std::move(access), true, false});
}

void HttpServer::stop_serving() {
  give({});
}

void HttpServer::give(Order order) {
  {
    const std::scoped_lock lock(mutex_);
    if (order_ && order.serve && !order.listener.valid()) {
      order.listener = std::move(order_->listener);
    }
    order_ = std::move(order);
  }
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof one); // full means that the thread is woken already
}

std::optional<HttpServer::Order> HttpServer::take() {
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof count); // empty: woken by something else
  const std::scoped_lock lock(mutex_);
  return std::exchange(order_, std::nullopt);
}

void HttpServer::run() {
  Serving serving(options_);
  for (;;) {
    if (auto order = take()) {
      if (order->end) {
        return;
      }
      if (order->serve) {
        serving.begin(std::move(order->listener), std::move(order->access));
      } else {
        serving.end();
      }
    }
    serving.turn(wake_.get());
  }
}

} // namespace healthgate::observe
