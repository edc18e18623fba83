// libmicrohttpd's side of the HTTP server: connections in, answers out, all of it on the thread that calls.
#pragma once

#include "base/c_ptr.hpp"
#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "observe/http_server.hpp"

#include <microhttpd.h>

#include <string>

namespace healthgate::observe {

// What stands in the files of HttpAccess.
struct HttpSecrets {
  std::string cert, key; // PEM; "" without TLS
  std::string token;
};

// A failure is a sentence.
[[nodiscard]] base::Result<HttpSecrets, std::string> read_secrets(const HttpAccess& access);

class HttpWorker {
public:
  explicit HttpWorker(const HttpServerOptions& options) : options_(options), connections_(options.limits) {}
  ~HttpWorker();
  HttpWorker(const HttpWorker&) = delete;
  HttpWorker& operator=(const HttpWorker&) = delete;

  // Answers with these secrets from now on; another certificate or key ends all connections. False when the
  // library refuses them, as a key that does not fit the certificate; then everything is as before.
  [[nodiscard]] bool start(const HttpSecrets& secrets);
  void stop();

  // Accepts what waits at `listener`, a bounded number. False when no descriptor is free: then the oldest
  // connections make room, and the caller waits a moment.
  [[nodiscard]] bool accept(int listener, const core::Allowlist* allow);
  // Serves what is ready, without waiting.
  void run();
  // Readable when run() has something to do; -1 while stopped.
  [[nodiscard]] int fd() const;
  // Until run() has to be called anyway; none: no need.
  [[nodiscard]] std::optional<std::chrono::milliseconds> next_deadline() const;

private:
  using DaemonPtr = base::CPtr<MHD_Daemon, MHD_stop_daemon>;

  static MHD_Result on_request(void* self, MHD_Connection* connection, const char* path, const char* method,
                               const char* version, const char* body, std::size_t* body_size,
                               void** state) noexcept;
  static void on_connection(void* self, MHD_Connection* connection, void** state,
                            MHD_ConnectionNotificationCode code) noexcept;
  MHD_Result respond(MHD_Connection* connection, const HttpRequest& request);
  void close(std::optional<HttpConnections::Id> id);

  const HttpServerOptions& options_;
  HttpSecrets secrets_;
  HttpConnections connections_;
  DaemonPtr daemon_;
};

} // namespace healthgate::observe
