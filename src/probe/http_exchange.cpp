#include "probe/http_exchange.hpp"

#include "probe/proxy_preamble.hpp"

#include <cassert>
#include <cerrno>
#include <stdexcept>
#include <sys/socket.h>
#include <utility>

namespace healthgate::probe {
namespace {

using core::FailureClass;

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

long version_option(const std::optional<config::HttpVersion>& version, bool tls) {
  if (!version) {
    return tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1;
  }
  switch (*version) {
  case config::HttpVersion::http1_0:
    return CURL_HTTP_VERSION_1_0;
  case config::HttpVersion::http1_1:
    return CURL_HTTP_VERSION_1_1;
  case config::HttpVersion::http2:
    return tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
  }
  return CURL_HTTP_VERSION_1_1;
}

long tls_option(config::TlsVersion version) {
  switch (version) {
  case config::TlsVersion::tls1_0:
    return CURL_SSLVERSION_TLSv1_0;
  case config::TlsVersion::tls1_1:
    return CURL_SSLVERSION_TLSv1_1;
  case config::TlsVersion::tls1_2:
    return CURL_SSLVERSION_TLSv1_2;
  case config::TlsVersion::tls1_3:
    return CURL_SSLVERSION_TLSv1_3;
  }
  return CURL_SSLVERSION_TLSv1_2;
}

Endpoint source_of(const config::ProbeConfig& config) {
  return config.source.empty() ? Endpoint{} : numeric_endpoint(config.source, 0);
}

} // namespace

HttpExchange::HttpExchange(loop::EventLoop& loop, CurlLoop& curl, Resolver& resolver,
                           const config::ProbeConfig& config)
    : curl_(curl), resolver_(resolver), config_(config), connector_(loop, source_of(config)),
      easy_(curl_easy_init()) {
  if (!easy_) {
    throw std::runtime_error("libcurl has no memory for a transfer");
  }
}

HttpExchange::~HttpExchange() {
  cancel();
}

void HttpExchange::start(HttpRequest request, ProbeRun& run, Done done) {
  assert(state_ == State::idle);
  request_ = std::move(request);
  run_ = &run;
  done_ = std::move(done);
  HttpBounds bounds;
  bounds.body_bytes = config_.body_limit_bytes;
  answer_ = HttpAnswer(bounds, config_.method == "HEAD");
  certificate_.reset();
  connection_.reset();
  if (config_.scheme == config::Scheme::http_unix) {
    const auto peer = unix_endpoint(config_.unix_path.string());
    handover_.reset(
        ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); // none: COULDNT_CONNECT
    transfer(peer);
    return;
  }
  auto endpoints = well_known_endpoints(request_.host, request_.port);
  if (!endpoints.empty()) {
    connect(std::move(endpoints));
    return;
  }
  state_ = State::resolving;
  lookup_ = resolver_.resolve(request_.host, request_.port,
                              [this](Resolution resolution) { resolved(std::move(resolution)); });
}

void HttpExchange::cancel() {
  lookup_ = Resolver::Lookup();
  connector_.cancel();
  curl_.remove(easy_.get()); // closes curl's socket by on_close()
  handover_.reset();
  connection_.reset();
  done_ = nullptr;
  state_ = State::idle;
}

bool HttpExchange::finish_now() {
  if (state_ == State::transferring && socket_ != CURL_SOCKET_BAD) {
    if (const auto code = curl_.finish_now(easy_.get(), socket_)) {
      ended(*code);
      return true;
    }
  }
  cancel();
  return false;
}

std::string HttpExchange::position() const {
  switch (state_) {
  case State::idle:
    return "";
  case State::resolving:
    return "looking up " + request_.host;
  case State::connecting:
    return "connecting to " + connector_.tried();
  case State::transferring:
    break;
  }
  switch (answer_.part()) {
  case HttpAnswer::Part::nothing:
    return request_.tls && !certificate_ ? "in the TLS handshake or before the first byte"
                                         : "before the first byte";
  case HttpAnswer::Part::informational:
    return "after status 1xx";
  case HttpAnswer::Part::headers:
    return "in the header";
  case HttpAnswer::Part::body:
    return "in the body";
  }
  return "";
}

void HttpExchange::resolved(Resolution resolution) {
  if (resolution.endpoints.empty()) {
    run_->step("resolve", request_.host + ": " + resolution.error, false);
    conclude(HttpFailure{FailureClass::dns, request_.host + ": " + resolution.error});
    return;
  }
  std::string texts;
  for (const auto& endpoint : resolution.endpoints) {
    texts += (texts.empty() ? "" : ", ") + endpoint.host_text();
  }
  run_->step("resolve", request_.host + " -> " + texts);
  connect(std::move(resolution.endpoints));
}

void HttpExchange::connect(std::vector<Endpoint> endpoints) {
  state_ = State::connecting;
  connector_.start(std::move(endpoints),
                   [this](Connector::Outcome outcome) { connected(std::move(outcome)); });
}

void HttpExchange::connected(Connector::Outcome outcome) {
  const auto refused = outcome.refusals.empty() ? std::string() : describe(outcome.refusals);
  if (!outcome.socket) {
    run_->step("connect", refused, false);
    conclude(HttpFailure{failure_of(outcome.refusals), refused});
    return;
  }
  run_->answered_by(outcome.peer.host_text());
  run_->step("connect", outcome.peer.host_text() + (refused.empty() ? "" : " (" + refused + ")"));
  if (!send_preamble(outcome)) {
    return;
  }
  const auto peer = outcome.peer;
  handover_ = std::move(outcome.socket);
  transfer(peer);
}

// At most 107 bytes on a new connection: they fit into its empty send buffer, or the connection is broken.
bool HttpExchange::send_preamble(const Connector::Outcome& outcome) {
  const auto bytes = proxy_preamble(config_.proxy_protocol, outcome.local, outcome.peer);
  if (bytes.empty()) {
    return true;
  }
  const auto sent = ::send(outcome.socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(bytes.size())) {
    run_->step("proxy", "PROXY preamble of " + std::to_string(bytes.size()) + " bytes");
    return true;
  }
  run_->step("proxy", "PROXY preamble not taken", false);
  conclude(HttpFailure{FailureClass::reset, "connection reset before the PROXY preamble"});
  return false;
}

void HttpExchange::transfer(const Endpoint& peer) {
  state_ = State::transferring;
  transfer_began_ = run_->elapsed();
  CURL* const easy = easy_.get();
  curl_easy_reset(easy);
  error_[0] = 0;
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_);
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  // The socket that we connected. FORBID_REUSE: it is closed, or handed back by on_close(), when the answer
  // is whole.
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, &HttpExchange::on_open);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTFUNCTION, &HttpExchange::on_sockopt);
  curl_easy_setopt(easy, CURLOPT_SOCKOPTDATA, this);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, &HttpExchange::on_close);
  curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, this);
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  if (peer.family() == AF_UNIX) {
    curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, config_.unix_path.c_str());
  } else {
    // Numeric, so that curl looks up nothing: getaddrinfo(3) would hold the loop.
    const auto entry = "::" + bracketed(peer.host_text()) + ":" + std::to_string(request_.port);
    connect_to_.reset(curl_slist_append(nullptr, entry.c_str()));
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, connect_to_.get());
  }
  set_request();
  set_tls();
  curl_.add(easy, [this](CURLcode code) { ended(code); });
}

void HttpExchange::set_request() {
  CURL* const easy = easy_.get();
  // The URL's host is what TLS names and verifies, and the Host header unless that is said apart.
  const bool other_name = request_.tls && !config_.sni.empty() && request_.host == config_.host;
  const auto port = ":" + std::to_string(request_.port);
  const auto url = (request_.tls ? "https://" : "http://") +
                   bracketed(other_name ? config_.sni : request_.host) + port + request_.target;
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(easy, CURLOPT_PROXY, ""); // also overrides http_proxy and its kind in the environment
  curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, version_option(config_.http_version, request_.tls));
  curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
  if (config_.method == "HEAD") {
    curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  } else if (!request_.body.empty()) {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, static_cast<long>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request_.body.data());
  }
  if (config_.method != "GET" && config_.method != "HEAD") {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, config_.method.c_str());
  }
  curl_slist* list = nullptr;
  const auto add = [&](const std::string& line) { list = curl_slist_append(list, line.c_str()); };
  if (!config_.host_header.empty()) {
    add("Host: " + config_.host_header);
  } else if (other_name) {
    add("Host: " + bracketed(request_.host) + port);
  }
  add("User-Agent: healthgate");
  add("Expect:");
  for (const auto& [name, value] : request_.headers) {
    add(value.empty() ? name + ";" : name + ": " + value);
  }
  headers_.reset(list);
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &HttpExchange::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &HttpExchange::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
}

void HttpExchange::set_tls() {
  if (!request_.tls) {
    return;
  }
  CURL* const easy = easy_.get();
  curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, tls_option(config_.tls_min));
  curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE,
                   0L); // the whole handshake, every time: it is what is probed
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, config_.insecure ? 0L : 1L);
  curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, config_.insecure ? 0L : 2L);
  if (!config_.ca.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, config_.ca.c_str());
  }
  if (!config_.cert.empty()) {
    curl_easy_setopt(easy, CURLOPT_SSLCERT, config_.cert.c_str());
    curl_easy_setopt(easy, CURLOPT_SSLKEY, (config_.key.empty() ? config_.cert : config_.key).c_str());
  }
}

curl_socket_t HttpExchange::on_open(void* self, curlsocktype /*purpose*/,
                                    curl_sockaddr* /*address*/) noexcept {
  auto& exchange = *static_cast<HttpExchange*>(self);
  exchange.socket_ = exchange.handover_.valid() ? exchange.handover_.release() : CURL_SOCKET_BAD;
  return exchange.socket_;
}

// curl 7.88 connects all the same, which the kernel lets pass for TCP, once, and not for a unix socket
// (EISCONN): so that one is curl's to connect. It blocks neither: there is no network between the two ends.
int HttpExchange::on_sockopt(void* self, curl_socket_t /*socket*/, curlsocktype /*purpose*/) noexcept {
  const bool is_unix = static_cast<HttpExchange*>(self)->config_.scheme == config::Scheme::http_unix;
  return is_unix ? CURL_SOCKOPT_OK : CURL_SOCKOPT_ALREADY_CONNECTED;
}

int HttpExchange::on_close(void* self, curl_socket_t socket) noexcept {
  auto& exchange = *static_cast<HttpExchange*>(self);
  exchange.curl_.forget(socket);
  exchange.socket_ = CURL_SOCKET_BAD;
  // A close of ours that leaves no TIME_WAIT behind, one a probe: what the peer had to say has been read.
  const linger at_once{1, 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once,
                     sizeof at_once); // else it closes in the ordinary way
  exchange.connection_.reset(socket);
  return 0;
}

std::size_t HttpExchange::on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& exchange = *static_cast<HttpExchange*>(self);
  if (exchange.answer_.part() == HttpAnswer::Part::nothing) {
    exchange.note_unix_connect();
    exchange.note_tls();
    exchange.run_->step("first byte", "");
  }
  return exchange.answer_.take_header({data, size * count}) ? size * count : 0;
}

std::size_t HttpExchange::on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept {
  auto& exchange = *static_cast<HttpExchange*>(self);
  return exchange.answer_.take_body({data, size * count}) ? size * count : 0;
}

// Called when the handshake has ended: at the first byte, or at a failure.
void HttpExchange::note_tls() {
  if (!request_.tls || certificate_) {
    return;
  }
  curl_off_t micros = 0;
  curl_certinfo* chain = nullptr;
  if (curl_easy_getinfo(easy_.get(), CURLINFO_APPCONNECT_TIME_T, &micros) != CURLE_OK || micros == 0 ||
      curl_easy_getinfo(easy_.get(), CURLINFO_CERTINFO, &chain) != CURLE_OK) {
    return;
  }
  std::vector<std::string> lines;
  if (chain != nullptr && chain->num_of_certs > 0) {
    for (const curl_slist* line = chain->certinfo[0]; line != nullptr; line = line->next) {
      lines.emplace_back(line->data);
    }
  }
  certificate_ = read_certificate(lines);
  run_->step_at("tls", transfer_began_ + std::chrono::microseconds(micros),
                certificate_->describe(std::chrono::system_clock::now()));
}

// Before the first byte of the answer, or at a failure without one.
void HttpExchange::note_unix_connect() {
  if (config_.scheme == config::Scheme::http_unix) {
    curl_off_t micros = 0;
    (void)curl_easy_getinfo(easy_.get(), CURLINFO_CONNECT_TIME_T,
                            &micros); // else at the transfer's beginning
    run_->answered_by(config_.unix_path.string());
    run_->step_at("connect", transfer_began_ + std::chrono::microseconds(micros), config_.unix_path.string());
  }
}

// A server that has answered with an error may leave the request's body unread and end the stream (RFC
// 9113, 8.1), which curl takes for a failure. Of gRPC the error stands in a header field.
bool HttpExchange::answered_early() const {
  return answer_.part() == HttpAnswer::Part::body &&
         (answer_.status() >= 300 || !answer_.field("grpc-status").empty());
}

void HttpExchange::ended(CURLcode code) {
  long os_error = 0;
  (void)curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &os_error); // 0 when curl names none
  if (config_.scheme == config::Scheme::http_unix && code == CURLE_COULDNT_CONNECT) {
    // No number: the listener's queue was full, which connect(2) calls EAGAIN, and curl a connect under way.
    const int error = os_error == 0 ? EAGAIN : static_cast<int>(os_error);
    const std::vector<Connector::Refusal> refusals = {{unix_endpoint(config_.unix_path.string()), error}};
    run_->step("connect", describe(refusals), false);
    conclude(HttpFailure{failure_of(refusals), describe(refusals)});
    return;
  }
  if (answer_.part() == HttpAnswer::Part::nothing) {
    note_unix_connect();
  }
  note_tls();
  if (!answer_.excess().empty()) {
    conclude(HttpFailure{FailureClass::protocol, answer_.excess()});
    return;
  }
  if (code == CURLE_OK &&
      answer_.part() != HttpAnswer::Part::body) { // the end of the connection counts as one for curl
    const char* const text = "connection closed in the header";
    run_->step("answer", text, false);
    conclude(HttpFailure{FailureClass::reset, text});
    return;
  }
  if (code == CURLE_OK || (code == CURLE_HTTP2_STREAM && answered_early())) {
    run_->step("answer", answer_.status_line());
    conclude(std::nullopt);
    return;
  }
  const bool tls_pending = request_.tls && !certificate_;
  auto failure = explain(code, os_error, error_, tls_pending);
  if (code == CURLE_GOT_NOTHING && config_.http_version == config::HttpVersion::http2) {
    // curl 7.88 says so of broken frames too, an answer in HTTP/1.1 among them.
    failure.detail = "no answer over HTTP/2: the connection was closed, or something else is spoken there";
  }
  run_->step(tls_pending ? "tls" : "answer", failure.detail, false);
  conclude(std::move(failure));
}

void HttpExchange::conclude(std::optional<HttpFailure> failure) {
  state_ = State::idle;
  if (failure || request_.tls) {
    connection_.reset();
  }
  const auto done = std::exchange(done_, nullptr);
  done(std::move(failure));
}

} // namespace healthgate::probe
