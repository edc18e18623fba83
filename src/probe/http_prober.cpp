#include "probe/http_prober.hpp"

#include "base/c_ptr.hpp"
#include "probe/printable.hpp"

#include <algorithm>
#include <charconv>
#include <strings.h>
#include <utility>

namespace healthgate::probe {
namespace {

using core::FailureClass;

constexpr int most_redirects = 5;

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// A part of a URL, "" when it has none.
std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) {
    return "";
  }
  const base::CPtr<char, curl_free> owner(text);
  return text;
}

std::string unbracketed(const std::string& host) {
  return host.size() > 2 && host.front() == '[' ? host.substr(1, host.size() - 2) : host;
}

} // namespace

HttpProber::HttpProber(loop::EventLoop& loop, CurlLoop& curl, Resolver& resolver,
                       const config::ProbeConfig& config, core::Duration timeout)
    : config_(config), timeout_(timeout), matchers_(config), watched_(loop), run_(loop),
      exchange_(loop, curl, resolver, config_) {}

void HttpProber::start(Done done) {
  run_.begin(std::move(done), timeout_, [this] { deadline_passed(); });
  redirects_ = 0;
  HttpRequest request;
  request.tls = config_.scheme == config::Scheme::https;
  request.host = config_.scheme == config::Scheme::http_unix ? "localhost" : config_.host;
  request.port = config_.scheme == config::Scheme::http_unix ? std::uint16_t{80} : config_.port;
  request.target = config_.target;
  request.headers = config_.headers;
  exchange(std::move(request));
}

void HttpProber::cancel() {
  exchange_.cancel();
  run_.cancel();
}

void HttpProber::on_hint(Hint hint) {
  watched_.on_hint(std::move(hint));
}

void HttpProber::exchange(HttpRequest request) {
  request_ = request;
  exchange_.start(std::move(request), run_,
                  [this](const std::optional<HttpFailure>& failure) { answered(failure); });
}

void HttpProber::answered(const std::optional<HttpFailure>& failure) {
  if (failure) {
    watched_.was_news();
    run_.fail(failure->failure, failure->detail);
    return;
  }
  const auto& pinned = config_.pinned_name;
  if (!pinned.empty() && exchange_.certificate() && !exchange_.certificate()->is_for(pinned)) {
    run_.step("match", "certificate is not for " + pinned, false);
    run_.fail(FailureClass::tls, "certificate is not for " + pinned);
    return;
  }
  if (config_.follow_redirects != config::Redirects::off && is_redirect(exchange_.answer().status())) {
    std::string why_not;
    auto next = redirected(why_not);
    if (next && run_.elapsed() >= timeout_) {
      run_.fail(FailureClass::timeout, timeout_text(timeout_) + ", after a redirect");
      return;
    }
    if (next) {
      ++redirects_;
      run_.step("redirect", printable(exchange_.answer().field("location")));
      exchange(std::move(*next));
      return;
    }
    run_.step("redirect", why_not, false);
    run_.fail(FailureClass::status, "HTTP " + std::to_string(exchange_.answer().status()) + ", " + why_not);
    return;
  }
  judge();
}

void HttpProber::judge() {
  const auto& answer = exchange_.answer();
  if (const auto mismatch = matchers_.answer(answer.status(), answer.headers(), answer.body())) {
    run_.step("match", mismatch->detail, false);
    run_.fail(mismatch->failure, mismatch->detail);
    return;
  }
  const bool persistent = answer.status_line().rfind("HTTP/1.0", 0) != 0 &&
                          strcasecmp(std::string(answer.field("connection")).c_str(), "close") != 0;
  auto connection = exchange_.take_connection();
  if (persistent && connection) {
    (void)watched_.offer(connection); // refused: it ends here
  }
  const auto status = "HTTP " + std::to_string(answer.status());
  run_.step("match", status + (matchers_.wants_body() ? " and body as expected" : " as expected"));
  run_.pass(status);
}

void HttpProber::deadline_passed() {
  const auto position = exchange_.position();
  if (exchange_.finish_now()) {
    return; // the answer was there, and has been judged
  }
  run_.step("deadline", position, false);
  run_.fail(FailureClass::timeout, timeout_text(timeout_) + (position.empty() ? "" : ", " + position));
}

// The request that the answer's Location asks for; none, with the reason, when it may not be followed.
std::optional<HttpRequest> HttpProber::redirected(std::string& why_not) const {
  const std::string location(exchange_.answer().field("location"));
  if (location.empty()) {
    why_not = "redirect without a Location";
    return std::nullopt;
  }
  if (redirects_ >= most_redirects) {
    why_not = "more than " + std::to_string(most_redirects) + " redirects";
    return std::nullopt;
  }
  const auto host = request_.host.find(':') == std::string::npos ? request_.host : "[" + request_.host + "]";
  const auto from =
      (request_.tls ? "https://" : "http://") + host + ":" + std::to_string(request_.port) + request_.target;
  const base::CPtr<CURLU, curl_url_cleanup> url(curl_url());
  if (!url || curl_url_set(url.get(), CURLUPART_URL, from.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) {
    why_not = "redirect to what is no URL: " + printable(location);
    return std::nullopt;
  }
  const auto scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") {
    why_not = "redirect to another protocol: " + printable(location);
    return std::nullopt;
  }
  HttpRequest next;
  next.tls = scheme == "https";
  next.host = unbracketed(part_of(url.get(), CURLUPART_HOST));
  const auto port = part_of(url.get(), CURLUPART_PORT);
  (void)std::from_chars(port.data(), port.data() + port.size(), next.port); // curl has checked the number
  const auto query = part_of(url.get(), CURLUPART_QUERY);
  next.target = part_of(url.get(), CURLUPART_PATH) + (query.empty() ? "" : "?" + query);
  next.headers = config_.headers;
  const bool same_host = strcasecmp(next.host.c_str(), request_.host.c_str()) == 0;
  if (config_.follow_redirects == config::Redirects::same_host && !same_host) {
    why_not = "redirect to another host: " + printable(next.host);
    return std::nullopt;
  }
  if (config_.scheme == config::Scheme::http_unix && !same_host) {
    why_not = "redirect away from the unix socket: " + printable(next.host);
    return std::nullopt;
  }
  return next;
}

} // namespace healthgate::probe
