// Probe of an HTTP service: http, https, http+unix. Passes when the whole answer came before the deadline and
// is as expected. Redirects are followed only where configured, each by a connection of its own, at most
// five.
#pragma once

#include "config/config.hpp"
#include "core/ports.hpp"
#include "probe/connection_watch.hpp"
#include "probe/http_exchange.hpp"
#include "probe/matchers.hpp"
#include "probe/probe_run.hpp"

namespace healthgate::probe {

class HttpProber final : public core::Prober {
public:
  // `config` has passed check(). `timeout` is absolute, for all steps and redirects together.
  HttpProber(loop::EventLoop& loop, CurlLoop& curl, Resolver& resolver, const config::ProbeConfig& config,
             core::Duration timeout);
  HttpProber(const HttpProber&) = delete;
  HttpProber& operator=(const HttpProber&) = delete;

  void start(Done done) override;
  void cancel() override;
  void on_hint(Hint hint) override;

private:
  void exchange(HttpRequest request);
  void answered(const std::optional<HttpFailure>& failure);
  void judge();
  void deadline_passed();
  [[nodiscard]] std::optional<HttpRequest> redirected(std::string& why_not) const;

  const config::ProbeConfig config_;
  const core::Duration timeout_;
  Matchers matchers_;
  ConnectionWatch watched_;
  ProbeRun run_;
  HttpRequest request_; // the one under way
  int redirects_ = 0;
  HttpExchange exchange_; // last: it calls back into the others
};

} // namespace healthgate::probe
