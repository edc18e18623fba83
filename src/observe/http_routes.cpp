#include "observe/http_routes.hpp"

#include "core/duration_text.hpp"
#include "observe/credentials.hpp"
#include "observe/json.hpp"
#include "observe/page.hpp"
#include "observe/prometheus.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>

namespace healthgate::observe {
namespace {

HttpReply plain(int status, std::string text) {
  HttpReply reply;
  reply.status = status;
  reply.body = std::move(text) + "\n";
  return reply;
}

HttpReply livez(const HttpSource& source) {
  const auto stalled = source.stalled_for();
  if (stalled > longest_stall) {
    return plain(503, "the deciding thread has made no progress for " + core::duration_text(stalled));
  }
  return plain(200, "ok");
}

HttpReply readyz(const HttpSource& source) {
  if (auto live = livez(source); live.status != 200) {
    return live;
  }
  const auto snapshot = source.snapshot();
  if (snapshot == nullptr) {
    return plain(503, "starting");
  }
  return snapshot->in_sync ? plain(200, "ok")
                           : plain(503, "the kernel does not hold the table as it should be");
}

HttpReply metrics(const core::Snapshot& snapshot, const HttpSource& source) {
  HttpReply reply;
  reply.content_type = prometheus_content_type;
  reply.body = to_prometheus(snapshot, source.process());
  return reply;
}

HttpReply status(const core::Snapshot& snapshot) {
  HttpReply reply;
  reply.content_type = "application/json";
  reply.body = to_json(snapshot) + "\n";
  return reply;
}

// Another for each page: nobody can know it when he writes what a page will show.
std::string fresh_nonce() {
  std::array<unsigned char, 16> octets{};
  if (::getrandom(octets.data(), octets.size(), 0) != static_cast<ssize_t>(octets.size())) {
    return {}; // then the browser takes neither style nor script, and the page can still be read
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const auto octet : octets) {
    text.push_back(digits[octet >> 4]);
    text.push_back(digits[octet & 0xf]);
  }
  return text;
}

HttpReply page(const core::Snapshot& snapshot) {
  const auto nonce = fresh_nonce();
  HttpReply reply;
  reply.content_type = "text/html; charset=utf-8";
  reply.body = to_page(snapshot, nonce);
  reply.headers.emplace_back("Content-Security-Policy", policy_of_page(nonce));
  return reply;
}

// Answers that show the daemon's state.
HttpReply show(std::string_view path, const HttpSource& source) {
  auto snapshot = source.snapshot();
  if (snapshot == nullptr) {
    auto live = livez(source); // stuck before anybody had asked
    return live.status == 200 ? plain(503, "starting") : live;
  }
  if (const auto stalled = source.stalled_for(); stalled > longest_stall) {
    snapshot = std::make_shared<const core::Snapshot>(as_of_a_stall(*snapshot, stalled));
  }
  if (path == "/") {
    return page(*snapshot);
  }
  return path == "/metrics" ? metrics(*snapshot, source) : status(*snapshot);
}

HttpReply route(const HttpRequest& request, const HttpSource& source, std::string_view token) {
  constexpr std::array<std::string_view, 2> open_to_all = {"/livez", "/readyz"};
  constexpr std::array<std::string_view, 3> shows = {"/", "/metrics", "/status"};
  const auto among = [&](const auto& paths) {
    return std::find(paths.begin(), paths.end(), request.path) != paths.end();
  };
  if (!among(open_to_all) && !is_permitted(request.authorization, token)) {
    auto reply = plain(401, "this needs the token of metrics-token-file");
    reply.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"healthgate\"");
    reply.headers.emplace_back("WWW-Authenticate", "Basic realm=\"healthgate\", charset=\"UTF-8\"");
    return reply;
  }
  if (!among(open_to_all) && !among(shows)) {
    return plain(404, "there is /, /metrics, /status, /livez and /readyz");
  }
  if (request.method != "GET" && request.method != "HEAD") {
    auto reply = plain(405, "GET and HEAD only");
    reply.headers.emplace_back("Allow", "GET, HEAD");
    return reply;
  }
  if (request.path == "/livez") {
    return livez(source);
  }
  return request.path == "/readyz" ? readyz(source) : show(request.path, source);
}

} // namespace

HttpReply answer(const HttpRequest& request, const HttpSource& source, std::string_view token) {
  auto reply = route(request, source, token);
  reply.headers.emplace_back("Cache-Control", "no-store");
  reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
  reply.headers.emplace_back("Referrer-Policy", "no-referrer");
  const bool has_policy = std::any_of(reply.headers.begin(), reply.headers.end(), [](const auto& header) {
    return header.first == "Content-Security-Policy";
  });
  if (!has_policy) {
    reply.headers.emplace_back("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  }
  return reply;
}

core::Snapshot as_of_a_stall(core::Snapshot snapshot, core::Duration stalled) {
  snapshot.loop_age = stalled;
  for (auto& gate : snapshot.gates) {
    if (std::chrono::duration<double>(stalled).count() >= gate.lease_seconds) {
      gate.applied = core::Applied::unknown;
      gate.state = "unknown";
      gate.reason = "the deciding thread is stuck for " + core::duration_text(stalled) +
                    "; a lease that is not renewed runs out";
    }
  }
  return snapshot;
}

} // namespace healthgate::observe
