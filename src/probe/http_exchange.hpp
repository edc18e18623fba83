// One HTTP request and its answer over a connection of its own: name, connect, PROXY preamble, TLS, header,
// body.
//
//   idle -> resolving -> connecting -> transferring -> idle
//
// Every probe makes a connection of its own: that is what the load balancer's clients do, and an old
// connection may lead to an old process (a reloading HAProxy, a forked worker) that answers for a new one
// which cannot. Connecting is ours and not curl's, so that both families of `localhost` are tried and named;
// curl gets a connected socket. (A unix socket is curl's to connect.)
#pragma once

#include "base/c_ptr.hpp"
#include "base/unique_fd.hpp"
#include "config/config.hpp"
#include "probe/certificate.hpp"
#include "probe/connector.hpp"
#include "probe/curl_loop.hpp"
#include "probe/http_answer.hpp"
#include "probe/http_failure.hpp"
#include "probe/probe_run.hpp"
#include "probe/resolver.hpp"

#include <curl/curl.h>
#include <functional>
#include <optional>
#include <string>

namespace healthgate::probe {

struct HttpRequest {
  bool tls = false;
  std::string host; // name or numeric address, without brackets
  std::uint16_t port = 0;
  std::string target; // path and query
  std::string body;   // sent with the method of the configuration, "" for none
  std::vector<std::pair<std::string, std::string>> headers;
};

class HttpExchange {
public:
  // Nothing: the answer is whole. Else why not.
  using Done = std::function<void(std::optional<HttpFailure>)>;

  // `config` says all that HttpRequest does not: method, version, TLS, preamble, source. All references
  // outlive this.
  HttpExchange(loop::EventLoop& loop, CurlLoop& curl, Resolver& resolver, const config::ProbeConfig& config);
  ~HttpExchange();
  HttpExchange(const HttpExchange&) = delete;
  HttpExchange& operator=(const HttpExchange&) = delete;

  // Begins; each step is noted in `run`. `done` comes from the loop, never from inside this call, and may
  // begin the next exchange or destroy this one. There is no deadline but the caller's.
  void start(HttpRequest request, ProbeRun& run, Done done);
  // Forgets the exchange and closes its connection.
  void cancel();
  // At the caller's deadline: true when an answer that waited unread was whole after all and `done` was
  // called; else the exchange is cancelled.
  bool finish_now();
  // Where the deadline struck, for people: "connecting to ::1", "in the TLS handshake", "in the body".
  [[nodiscard]] std::string position() const;

  [[nodiscard]] const HttpAnswer& answer() const { return answer_; }
  [[nodiscard]] const std::optional<Certificate>& certificate() const { return certificate_; }
  // The connection of the last exchange, if it was left open and is in clear text: for ConnectionWatch.
  [[nodiscard]] base::UniqueFd take_connection() { return std::move(connection_); }

private:
  enum class State { idle, resolving, connecting, transferring };

  static void cleanup(CURL* easy) noexcept { curl_easy_cleanup(easy); }
  static void free_list(curl_slist* list) noexcept { curl_slist_free_all(list); }
  static curl_socket_t on_open(void* self, curlsocktype purpose, curl_sockaddr* address) noexcept;
  static int on_sockopt(void* self, curl_socket_t socket, curlsocktype purpose) noexcept;
  static int on_close(void* self, curl_socket_t socket) noexcept;
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self) noexcept;

  void resolved(Resolution resolution);
  void connect(std::vector<Endpoint> endpoints);
  void connected(Connector::Outcome outcome);
  bool send_preamble(const Connector::Outcome& outcome);
  void transfer(const Endpoint& peer);
  void set_request();
  void set_tls();
  [[nodiscard]] bool answered_early() const;
  void ended(CURLcode code);
  void note_unix_connect();
  void note_tls();
  void conclude(std::optional<HttpFailure> failure);

  CurlLoop& curl_;
  Resolver& resolver_;
  const config::ProbeConfig& config_;
  Connector connector_;
  base::CPtr<CURL, cleanup> easy_;
  char error_[CURL_ERROR_SIZE] = {};

  // Of the exchange under way.
  State state_ = State::idle;
  HttpRequest request_;
  ProbeRun* run_ = nullptr;
  Done done_;
  Resolver::Lookup lookup_;
  base::UniqueFd handover_;                // not yet curl's
  curl_socket_t socket_ = CURL_SOCKET_BAD; // curl's
  base::CPtr<curl_slist, free_list> headers_;
  base::CPtr<curl_slist, free_list> connect_to_;
  core::Duration transfer_began_{};
  HttpAnswer answer_;
  std::optional<Certificate> certificate_;
  base::UniqueFd connection_;
};

} // namespace healthgate::probe
