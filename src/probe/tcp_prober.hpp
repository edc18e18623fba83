// Probe of a TCP service: connect, then, where configured, a PROXY preamble, bytes to send and bytes to
// expect. It proves what was asked for and no more: a handshake alone is done by the kernel, also for a
// frozen process.
//
//   idle -> resolving -> connecting -> sending -> expecting -> idle
//
// After a pass one connection stays open beside the polls, if the server lets it: the watched connection. Its
// end is the quickest sign that the service died, and calls the hint.
#pragma once

#include "base/unique_fd.hpp"
#include "config/config.hpp"
#include "core/ports.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"
#include "probe/connection_watch.hpp"
#include "probe/connector.hpp"
#include "probe/probe_run.hpp"
#include "probe/resolver.hpp"

#include <string>

namespace healthgate::probe {

class TcpProber final : public core::Prober {
public:
  // `config` has passed check(). `timeout` is absolute: name, connect and answer together. `loop` and
  // `resolver` outlive the prober.
  TcpProber(loop::EventLoop& loop, Resolver& resolver, const config::ProbeConfig& config,
            core::Duration timeout);
  TcpProber(const TcpProber&) = delete;
  TcpProber& operator=(const TcpProber&) = delete;

  void start(Done done) override;
  void cancel() override;
  void on_hint(Hint hint) override;

private:
  enum class State { idle, resolving, connecting, sending, expecting };

  void resolved(const Resolution& resolution);
  void connect(std::vector<Endpoint> endpoints);
  void connected(Connector::Outcome outcome);
  void on_ready();
  void send_more();
  void receive_more();
  void deadline_passed();
  void pass(const std::string& detail);
  void fail(core::FailureClass failure, const std::string& detail);
  void stop();

  loop::EventLoop& loop_;
  Resolver& resolver_;
  const config::ProbeConfig config_;
  const core::Duration timeout_;
  Connector connector_;
  ConnectionWatch watched_;
  ProbeRun run_;

  // Of the probe that runs.
  State state_ = State::idle;
  Resolver::Lookup lookup_;
  base::UniqueFd socket_;
  loop::IoWatch io_;     // after socket_: it ends first
  std::string outgoing_; // not sent yet
  std::string incoming_; // at most the body limit
};

} // namespace healthgate::probe
