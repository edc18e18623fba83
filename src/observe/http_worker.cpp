#include "observe/http_worker.hpp"

#include "observe/credentials.hpp"

#include <arpa/inet.h>
#include <cerrno>
#include <fstream>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <system_error>

namespace healthgate::observe {
namespace {

constexpr int accepted_at_once = 32;           // then those who ask are served
constexpr std::size_t request_bytes = 16384;   // of one connection's head
constexpr std::size_t secret_bytes = 1U << 20; // of a file; a certificate chain has some thousand
constexpr const char* tls_priorities = "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

base::Result<std::string, std::string> read_file(const std::string& what, const std::filesystem::path& path) {
  const auto failure = [&](const std::string& why) {
    return base::Failure{what + " " + path.string() + ": " + why};
  };
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::string content(secret_bytes, 0);
  if (!file.read(content.data(), static_cast<std::streamsize>(content.size())).eof()) {
    return failure(errno == 0 ? "is too large" : std::generic_category().message(errno));
  }
  content.resize(static_cast<std::size_t>(file.gcount()));
  if (content.empty()) {
    return failure("is empty");
  }
  return content;
}

struct Peer {
  std::string text;
  bool permitted = false;
};

// The kernel's table says the same; this holds while somebody else has deleted it.
Peer peer_of(const sockaddr_storage& from, const core::Allowlist* allow) {
  char text[INET6_ADDRSTRLEN] = {};
  if (from.ss_family == AF_INET6) {
    const auto& bytes = reinterpret_cast<const sockaddr_in6&>(from).sin6_addr; // the family says so
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&bytes);
    (void)::inet_ntop(mapped ? AF_INET : AF_INET6, &bytes.s6_addr[mapped ? 12 : 0], text, sizeof text);
  } else {
    (void)::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(from).sin_addr, text, sizeof text);
  }
  const auto parsed = core::Address::parse(text);
  if (!parsed) {
    return {text, false};
  }
  const auto& is = parsed.value();
  const auto loopback = is.family == core::Family::ipv4 ? is.bytes[0] == 127 : is.to_string() == "::1";
  return {text, loopback || (allow != nullptr && allow->contains(is))};
}

bool somebody_waits(int listener) {
  pollfd one{listener, POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

std::string_view or_empty(const char* text) {
  return text == nullptr ? std::string_view() : std::string_view(text);
}

} // namespace

base::Result<HttpSecrets, std::string> read_secrets(const HttpAccess& access) {
  HttpSecrets secrets;
  if (!access.cert.empty()) {
    auto cert = read_file("metrics-cert", access.cert);
    if (!cert) {
      return base::Failure{cert.error()};
    }
    auto key = read_file("metrics-key", access.key);
    if (!key) {
      return base::Failure{key.error()};
    }
    secrets.cert = std::move(cert).value();
    secrets.key = std::move(key).value();
  }
  if (!access.token_file.empty()) {
    const auto content = read_file("metrics-token-file", access.token_file);
    if (!content) {
      return base::Failure{content.error()};
    }
    secrets.token = token_of_file(content.value());
    if (secrets.token.empty()) {
      return base::Failure{"metrics-token-file " + access.token_file.string() +
                           ": its first line is empty; it must hold the token"};
    }
  }
  return secrets;
}

HttpWorker::~HttpWorker() = default;

bool HttpWorker::start(const HttpSecrets& secrets) {
  if (daemon_ != nullptr && secrets.cert == secrets_.cert && secrets.key == secrets_.key) {
    secrets_.token = secrets.token; // asked for in each request
    return true;
  }
  unsigned flags = MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET;
  if (!secrets.cert.empty()) {
    flags |= MHD_USE_TLS;
  }
  // accept() keeps the number; the library's own bound leaves room for those that are about to be closed.
  const auto most = static_cast<unsigned>(2 * options_.limits.all + accepted_at_once);
  std::vector<MHD_OptionItem> items = {
      {MHD_OPTION_CONNECTION_TIMEOUT, static_cast<intptr_t>(options_.idle_limit.count()), nullptr},
      {MHD_OPTION_CONNECTION_MEMORY_LIMIT, static_cast<intptr_t>(request_bytes), nullptr},
      {MHD_OPTION_CONNECTION_LIMIT, static_cast<intptr_t>(most), nullptr},
      {MHD_OPTION_STRICT_FOR_CLIENT, 1, nullptr}};
  if (!secrets.cert.empty()) {
    const auto add = [&](MHD_OPTION option, const char* text) {
      items.push_back({option, 0, const_cast<char*>(text)}); // the library reads it only
    };
    add(MHD_OPTION_HTTPS_MEM_CERT, secrets.cert.c_str());
    add(MHD_OPTION_HTTPS_MEM_KEY, secrets.key.c_str());
    add(MHD_OPTION_HTTPS_PRIORITIES, tls_priorities);
  }
  items.push_back({MHD_OPTION_END, 0, nullptr});
  DaemonPtr daemon(MHD_start_daemon(flags, 0, nullptr, nullptr, &on_request, this,
                                    MHD_OPTION_NOTIFY_CONNECTION, &on_connection, this, MHD_OPTION_ARRAY,
                                    items.data(), MHD_OPTION_END));
  if (daemon == nullptr) {
    return false;
  }
  stop();
  daemon_ = std::move(daemon);
  secrets_ = secrets;
  return true;
}

void HttpWorker::stop() {
  daemon_.reset();
}

int HttpWorker::fd() const {
  const auto* const info =
      daemon_ == nullptr ? nullptr : MHD_get_daemon_info(daemon_.get(), MHD_DAEMON_INFO_EPOLL_FD);
  return info == nullptr ? -1 : info->epoll_fd;
}

std::optional<std::chrono::milliseconds> HttpWorker::next_deadline() const {
  MHD_UNSIGNED_LONG_LONG timeout = 0;
  if (daemon_ == nullptr || MHD_get_timeout(daemon_.get(), &timeout) != MHD_YES) {
    return std::nullopt;
  }
  return std::chrono::milliseconds(timeout);
}

void HttpWorker::run() {
  if (daemon_ != nullptr) {
    (void)MHD_run(daemon_.get()); // MHD_NO says that this daemon is not driven from outside; it is
  }
}

// --- connections ---

bool HttpWorker::accept(int listener, const core::Allowlist* allow) {
  for (int count = 0; count < accepted_at_once; ++count) {
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    auto* const address = reinterpret_cast<sockaddr*>(&from); // as accept(2) wants it
    base::UniqueFd fd(::accept4(listener, address, &size, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd.valid()) {
      const bool short_of = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
      const bool starved =
          short_of && somebody_waits(listener); // accept(2) takes a descriptor before it looks
      if (starved) {
        close(connections_.evict());
        run();
      }
      return !starved; // nobody waits, or the one who did has gone
    }
    auto peer = peer_of(from, allow);
    if (!peer.permitted) {
      continue;
    }
    const int on = 1;
    (void)::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); // without: it is slower
    const auto id = fd.release();
    close(connections_.add(id, std::move(peer.text)));
    (void)MHD_add_connection(daemon_.get(), id, address, size); // closes it in any case
  }
  return true;
}

// The library notices the end of its socket in its next run, and closes the descriptor.
void HttpWorker::close(std::optional<HttpConnections::Id> id) {
  if (id) {
    (void)::shutdown(*id, SHUT_RDWR); // ENOTCONN: it has gone by itself
  }
}

void HttpWorker::on_connection(void* self, MHD_Connection* connection, void** /*state*/,
                               MHD_ConnectionNotificationCode code) noexcept {
  if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
    const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    static_cast<HttpWorker*>(self)->connections_.remove(info->connect_fd);
  }
}

// --- requests ---

MHD_Result HttpWorker::on_request(void* self, MHD_Connection* connection, const char* path,
                                  const char* method, const char* /*version*/, const char* /*body*/,
                                  std::size_t* body_size, void** state) noexcept {
  auto* const worker = static_cast<HttpWorker*>(self);
  const HttpRequest request{
      method, path,
      or_empty(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION))};
  // An answer to the first call, which comes before the body, ends the connection: right for a method that
  // is not ours. The others are answered after the last byte of a body that nobody reads.
  if (*state == nullptr &&
      (request.method == MHD_HTTP_METHOD_GET || request.method == MHD_HTTP_METHOD_HEAD)) {
    const auto* const info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    worker->connections_.asked(info->connect_fd);
    *state = self;
    return MHD_YES;
  }
  if (*body_size != 0) {
    *body_size = 0;
    return MHD_YES;
  }
  try {
    return worker->respond(connection, request);
  } catch (const std::exception&) { // out of memory: this connection ends, the others go on
    return MHD_NO;
  }
}

MHD_Result HttpWorker::respond(MHD_Connection* connection, const HttpRequest& request) {
  auto reply = answer(request, options_.source, secrets_.token);
  const base::CPtr<MHD_Response, MHD_destroy_response> response(
      MHD_create_response_from_buffer(reply.body.size(), reply.body.data(), MHD_RESPMEM_MUST_COPY));
  if (response == nullptr) {
    return MHD_NO;
  }
  reply.headers.emplace_back(MHD_HTTP_HEADER_CONTENT_TYPE, reply.content_type);
  for (const auto& [name, value] : reply.headers) {
    if (MHD_add_response_header(response.get(), name.c_str(), value.c_str()) != MHD_YES) {
      return MHD_NO;
    }
  }
  return MHD_queue_response(connection, static_cast<unsigned>(reply.status), response.get());
}

} // namespace healthgate::observe
