#include "probe/connector.hpp"

#include <algorithm>
#include <cassert>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <system_error>

namespace healthgate::probe {
namespace {

// RFC 8305 advises 250 ms over the internet and forbids less than 10 ms; a probe has half a second in all,
// and its service is on this host or on the next.
constexpr auto attempt_delay = std::chrono::milliseconds(50);

Endpoint end_of(int fd, int (*which)(int, sockaddr*, socklen_t*)) {
  Endpoint end;
  end.length = sizeof end.address;
  if (which(fd, reinterpret_cast<sockaddr*>(&end.address), &end.length) != 0) {
    return {};
  }
  return end;
}

bool same(const Endpoint& a, const Endpoint& b) {
  return a.family() == b.family() && a.port() == b.port() && a.host_text() == b.host_text();
}

void set_flag(int fd, int level, int option) {
  const int on = 1;
  (void)setsockopt(fd, level, option, &on, sizeof on); // each is an improvement, none a condition
}

int pending_error(int fd) {
  int error = 0;
  socklen_t length = sizeof error;
  return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 ? error : errno;
}

std::string error_text(int error) {
  if (error == ECONNREFUSED) {
    return "connection refused";
  }
  std::string text = std::generic_category().message(error);
  text.front() = static_cast<char>(std::tolower(static_cast<unsigned char>(text.front())));
  return text;
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    out += i == 0 ? "" : (i + 1 == words.size() ? " and " : ", ");
    out += words[i];
  }
  return out;
}

} // namespace

void Connector::start(std::vector<Endpoint> endpoints, Done done) {
  assert(!running() && !endpoints.empty());
  if (source_.length != 0) {
    const auto other_family = [this](const Endpoint& e) { return e.family() != source_.family(); };
    if (!std::all_of(endpoints.begin(), endpoints.end(), other_family)) {
      endpoints.erase(std::remove_if(endpoints.begin(), endpoints.end(), other_family), endpoints.end());
    }
  }
  endpoints_ = std::move(endpoints);
  done_ = std::move(done);
  next_ = 0;
  refusals_.clear();
  try_next();
}

void Connector::cancel() {
  loop_.cancel(std::exchange(timer_, 0));
  attempts_.clear();
  done_ = nullptr;
}

std::string Connector::tried() const {
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < next_; ++i) {
    texts.push_back(endpoints_[i].host_text());
  }
  return joined(texts);
}

void Connector::call_soon(void (Connector::*step)(), core::Duration delay) {
  loop_.cancel(timer_);
  timer_ = loop_.at(loop_.now().mono + delay, [this, step] {
    timer_ = 0;
    (this->*step)();
  });
}

// Begins the next attempt and sees to it that the one after it follows.
void Connector::try_next() {
  while (next_ < endpoints_.size()) {
    const Endpoint& endpoint = endpoints_[next_++];
    if (const int error = begin(endpoint); error != 0) {
      refusals_.push_back({endpoint, error});
      continue;
    }
    if (next_ < endpoints_.size()) {
      call_soon(&Connector::try_next, attempt_delay);
    }
    return;
  }
  if (attempts_.empty()) {
    call_soon(&Connector::give_up, {}); // not from here: this may run inside start()
  }
}

// Returns an errno when the attempt has failed at once.
int Connector::begin(const Endpoint& endpoint) {
  base::UniqueFd fd(::socket(endpoint.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    return errno;
  }
  set_flag(fd.get(), IPPROTO_TCP, TCP_NODELAY);
  if (source_.length != 0) {
    // The port is chosen at connect, when the destination is known: thousands of probes share the ports
    // (ip(7)).
    set_flag(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT);
    if (::bind(fd.get(), source_.get(), source_.length) != 0) {
      return errno;
    }
  }
  if (::connect(fd.get(), endpoint.get(), endpoint.length) != 0 && errno != EINPROGRESS) {
    return errno;
  }
  const AttemptAt attempt = attempts_.insert(attempts_.end(), Attempt{endpoint, std::move(fd), {}});
  try {
    attempt->io = loop::IoWatch(
        loop_, attempt->socket.get(), EPOLLOUT, [this, attempt](std::uint32_t) { on_ready(attempt); },
        loop::Priority::deciding);
  } catch (const std::system_error& error) {
    attempts_.erase(attempt);
    return error.code().value();
  }
  return 0;
}

void Connector::on_ready(AttemptAt attempt) {
  const Endpoint endpoint = attempt->endpoint;
  // SO_ERROR rather than a second connect(2): curl makes that one (see CurlTransfer).
  int error = pending_error(attempt->socket.get());
  Outcome outcome;
  if (error == 0) {
    outcome.local = end_of(attempt->socket.get(), getsockname);
    outcome.peer = end_of(attempt->socket.get(), getpeername);
    if (same(outcome.local, outcome.peer)) {
      error =
          ECONNREFUSED; // nobody listens, and the kernel happened to choose the same port: we met ourselves
    }
  }
  attempt->io = {};
  base::UniqueFd socket = std::move(attempt->socket);
  attempts_.erase(attempt);
  if (error != 0) {
    refused(endpoint, error);
    return;
  }
  outcome.socket = std::move(socket);
  outcome.peer = endpoint;
  conclude(std::move(outcome));
}

void Connector::refused(const Endpoint& endpoint, int error) {
  refusals_.push_back({endpoint, error});
  if (next_ < endpoints_.size()) {
    call_soon(&Connector::try_next, {});
  } else if (attempts_.empty()) {
    give_up();
  }
}

void Connector::give_up() {
  conclude({});
}

void Connector::conclude(Outcome outcome) {
  outcome.refusals = std::move(refusals_);
  const Done done = std::move(done_);
  cancel();
  done(std::move(outcome)); // may destroy this
}

core::FailureClass failure_of(const std::vector<Connector::Refusal>& refusals) {
  const auto any = [&](int error) {
    return std::any_of(refusals.begin(), refusals.end(), [&](const auto& r) { return r.error == error; });
  };
  if (any(ECONNREFUSED)) {
    return core::FailureClass::refused;
  }
  if (any(ETIMEDOUT)) {
    return core::FailureClass::timeout;
  }
  return any(ECONNRESET) ? core::FailureClass::reset : core::FailureClass::refused;
}

std::string describe(const std::vector<Connector::Refusal>& refusals) {
  std::string out;
  for (std::size_t i = 0; i < refusals.size();) {
    const int error = refusals[i].error;
    std::vector<std::string> hosts;
    for (; i < refusals.size() && refusals[i].error == error; ++i) {
      hosts.push_back(refusals[i].endpoint.host_text());
    }
    out += (out.empty() ? "" : ", ") + error_text(error) + ": " + joined(hosts);
  }
  return out;
}

} // namespace healthgate::probe
