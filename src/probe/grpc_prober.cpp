#include "probe/grpc_prober.hpp"

#include "probe/grpc_health.hpp"
#include "probe/printable.hpp"

#include <charconv>
#include <utility>

namespace healthgate::probe {
namespace {

using core::FailureClass;

config::ProbeConfig as_http2(config::ProbeConfig config) {
  config.method = "POST";
  config.http_version = config::HttpVersion::http2;
  return config;
}

// The timeout for the server, in milliseconds (gRPC over HTTP/2, "grpc-timeout").
std::string grpc_timeout(core::Duration timeout) {
  return std::to_string(std::chrono::ceil<std::chrono::milliseconds>(timeout).count()) + "m";
}

} // namespace

GrpcProber::GrpcProber(loop::EventLoop& loop, CurlLoop& curl, Resolver& resolver,
                       const config::ProbeConfig& config, core::Duration timeout)
    : config_(as_http2(config)), timeout_(timeout), run_(loop), exchange_(loop, curl, resolver, config_) {}

void GrpcProber::start(Done done) {
  run_.begin(std::move(done), timeout_, [this] { deadline_passed(); });
  HttpRequest request;
  request.tls = config_.scheme == config::Scheme::grpcs;
  request.host = config_.host;
  request.port = config_.port;
  request.target = std::string(grpc_check_path);
  request.body = grpc_check_request(config_.target);
  request.headers = {
      {"Content-Type", "application/grpc"}, {"TE", "trailers"}, {"grpc-timeout", grpc_timeout(timeout_)}};
  exchange_.start(std::move(request), run_,
                  [this](const std::optional<HttpFailure>& failure) { answered(failure); });
}

void GrpcProber::cancel() {
  exchange_.cancel();
  run_.cancel();
}

void GrpcProber::on_hint(Hint /*hint*/) {}

void GrpcProber::fail(FailureClass failure, const std::string& detail) {
  run_.step("match", detail, false);
  run_.fail(failure, detail);
}

void GrpcProber::answered(const std::optional<HttpFailure>& failure) {
  if (failure) {
    run_.fail(failure->failure, failure->detail);
    return;
  }
  const auto& answer = exchange_.answer();
  if (answer.status() != 200) {
    fail(FailureClass::status, "HTTP " + std::to_string(answer.status()));
    return;
  }
  const auto& pinned = config_.pinned_name;
  if (!pinned.empty() && exchange_.certificate() && !exchange_.certificate()->is_for(pinned)) {
    fail(FailureClass::tls, "certificate is not for " + pinned);
    return;
  }
  // In the header when there is no message, else in the trailer.
  const auto status_text = answer.field("grpc-status");
  int code = -1;
  const auto [end, error] =
      std::from_chars(status_text.data(), status_text.data() + status_text.size(), code);
  if (error != std::errc() || end != status_text.data() + status_text.size()) {
    fail(FailureClass::protocol, "no grpc-status in the answer");
    return;
  }
  if (code != 0) {
    const auto message = printable(answer.field("grpc-message"));
    constexpr int deadline_exceeded = 4; // the server's clock was faster than ours
    fail(code == deadline_exceeded ? FailureClass::timeout : FailureClass::status,
         "gRPC " + grpc_status_name(code) + (message.empty() ? "" : ": " + message));
    return;
  }
  const auto serving = parse_grpc_check_response(answer.body());
  if (!serving) {
    fail(FailureClass::protocol, serving.error());
    return;
  }
  if (serving.value() != ServingStatus::serving) {
    fail(FailureClass::status, to_string(serving.value()));
    return;
  }
  run_.step("match", "SERVING as expected");
  run_.pass("SERVING");
}

void GrpcProber::deadline_passed() {
  const auto position = exchange_.position();
  if (exchange_.finish_now()) {
    return; // the answer was there, and has been judged
  }
  run_.step("deadline", position, false);
  run_.fail(FailureClass::timeout, timeout_text(timeout_) + (position.empty() ? "" : ", " + position));
}

} // namespace healthgate::probe
