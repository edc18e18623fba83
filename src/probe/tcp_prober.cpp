#include "probe/tcp_prober.hpp"

#include "probe/printable.hpp"
#include "probe/proxy_preamble.hpp"

#include <array>
#include <cerrno>
#include <sys/socket.h>
#include <system_error>
#include <utility>

namespace healthgate::probe {
namespace {

using core::FailureClass;

Endpoint source_of(const config::ProbeConfig& config) {
  return config.source.empty() ? Endpoint{} : numeric_endpoint(config.source, 0);
}

} // namespace

TcpProber::TcpProber(loop::EventLoop& loop, Resolver& resolver, const config::ProbeConfig& config,
                     core::Duration timeout)
    : loop_(loop), resolver_(resolver), config_(config), timeout_(timeout),
      connector_(loop, source_of(config)), watched_(loop), run_(loop) {}

void TcpProber::start(Done done) {
  run_.begin(std::move(done), timeout_, [this] { deadline_passed(); });
  incoming_.clear();
  auto endpoints = well_known_endpoints(config_.host, config_.port);
  if (!endpoints.empty()) {
    connect(std::move(endpoints));
    return;
  }
  state_ = State::resolving;
  lookup_ = resolver_.resolve(config_.host, config_.port,
                              [this](const Resolution& resolution) { resolved(resolution); });
}

void TcpProber::cancel() {
  stop();
  run_.cancel();
}

void TcpProber::on_hint(Hint hint) {
  watched_.on_hint(std::move(hint));
}

void TcpProber::resolved(const Resolution& resolution) {
  if (resolution.endpoints.empty()) {
    const auto text = config_.host + ": " + resolution.error;
    run_.step("resolve", text, false);
    fail(FailureClass::dns, text);
    return;
  }
  run_.step("resolve", config_.host + " -> " + resolution.endpoints.front().host_text());
  connect(resolution.endpoints);
}

void TcpProber::connect(std::vector<Endpoint> endpoints) {
  state_ = State::connecting;
  connector_.start(std::move(endpoints),
                   [this](Connector::Outcome outcome) { connected(std::move(outcome)); });
}

void TcpProber::connected(Connector::Outcome outcome) {
  const auto refused = outcome.refusals.empty() ? std::string() : describe(outcome.refusals);
  if (!outcome.socket) {
    run_.step("connect", refused, false);
    fail(failure_of(outcome.refusals), refused);
    return;
  }
  run_.answered_by(outcome.peer.host_text());
  run_.step("connect", outcome.peer.host_text() + (refused.empty() ? "" : " (" + refused + ")"));
  outgoing_ = proxy_preamble(config_.proxy_protocol, outcome.local, outcome.peer) + config_.send;
  socket_ = std::move(outcome.socket);
  if (outgoing_.empty() && config_.expect.empty()) {
    pass("connected");
    return;
  }
  state_ = outgoing_.empty() ? State::expecting : State::sending;
  io_ = loop::IoWatch(
      loop_, socket_.get(), outgoing_.empty() ? EPOLLIN : EPOLLOUT, [this](std::uint32_t) { on_ready(); },
      loop::Priority::deciding);
}

void TcpProber::on_ready() {
  if (state_ == State::sending) {
    send_more();
  } else {
    receive_more();
  }
}

void TcpProber::send_more() {
  const auto sent = ::send(socket_.get(), outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      const auto text = "connection broke while sending: " + std::generic_category().message(errno);
      run_.step("send", text, false);
      fail(FailureClass::reset, text);
    }
    return;
  }
  outgoing_.erase(0, static_cast<std::size_t>(sent));
  if (!outgoing_.empty()) {
    return;
  }
  run_.step("send", "");
  if (config_.expect.empty()) {
    pass("sent");
    return;
  }
  state_ = State::expecting;
  io_.set_events(EPOLLIN);
}

void TcpProber::receive_more() {
  std::array<char, 4096> buffer{};
  const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      run_.step("answer", "connection reset", false);
      fail(FailureClass::reset, "connection reset");
    }
    return;
  }
  if (count == 0) {
    const auto seen = incoming_.empty() ? "without an answer" : "after \"" + printable(incoming_) + "\"";
    run_.step("answer", "connection closed " + seen, false);
    fail(incoming_.empty() ? FailureClass::reset : FailureClass::mismatch, "connection closed " + seen);
    return;
  }
  if (incoming_.empty()) {
    run_.step("first byte", "");
  }
  incoming_.append(buffer.data(), static_cast<std::size_t>(count));
  if (incoming_.find(config_.expect) != std::string::npos) {
    run_.step("match", "answer as expected");
    pass("answer as expected");
  } else if (incoming_.size() > config_.body_limit_bytes) {
    const auto text = "answer of more than " + std::to_string(config_.body_limit_bytes) + " bytes";
    run_.step("match", text, false);
    fail(FailureClass::protocol, text);
  }
}

void TcpProber::deadline_passed() {
  const char* where = "";
  switch (state_) {
  case State::idle:
    break;
  case State::resolving:
    where = "looking up the name";
    break;
  case State::connecting:
    where = "connecting";
    break;
  case State::sending:
    where = "sending";
    break;
  case State::expecting:
    where = incoming_.empty() ? "before the first byte" : "before the expected bytes";
    break;
  }
  run_.step("deadline", where, false);
  fail(FailureClass::timeout, timeout_text(timeout_) + ", " + where);
}

void TcpProber::pass(const std::string& detail) {
  io_ = loop::IoWatch();
  (void)watched_.offer(socket_); // refused: it ends here
  stop();
  run_.pass(detail);
}

void TcpProber::fail(FailureClass failure, const std::string& detail) {
  watched_.was_news();
  stop();
  run_.fail(failure, detail);
}

void TcpProber::stop() {
  state_ = State::idle;
  lookup_ = Resolver::Lookup();
  connector_.cancel();
  io_ = loop::IoWatch();
  if (socket_) {
    // No TIME_WAIT of ours, one a probe; without the option the connection is closed in the ordinary way.
    const linger at_once{1, 0};
    (void)::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    socket_.reset();
  }
}

} // namespace healthgate::probe
