// Probe of a gRPC service by grpc.health.v1.Health/Check over HTTP/2: grpc in clear text, grpcs over TLS.
// Passes when the status is SERVING, and on nothing else.
#pragma once

#include "config/config.hpp"
#include "core/ports.hpp"
#include "probe/http_exchange.hpp"
#include "probe/probe_run.hpp"

namespace healthgate::probe {

class GrpcProber final : public core::Prober {
public:
  // `config` has passed check(); its `target` is the service's name, "" for the whole server.
  GrpcProber(loop::EventLoop& loop, CurlLoop& curl, Resolver& resolver, const config::ProbeConfig& config,
             core::Duration timeout);
  GrpcProber(const GrpcProber&) = delete;
  GrpcProber& operator=(const GrpcProber&) = delete;

  void start(Done done) override;
  void cancel() override;
  // None: HTTP/2 connections are ended by curl in the protocol's own way.
  void on_hint(Hint hint) override;

private:
  void answered(const std::optional<HttpFailure>& failure);
  void fail(core::FailureClass failure, const std::string& detail);
  void deadline_passed();

  const config::ProbeConfig config_;
  const core::Duration timeout_;
  ProbeRun run_;
  HttpExchange exchange_; // last: it calls back into the others
};

} // namespace healthgate::probe
