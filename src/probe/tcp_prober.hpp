// Probe of a TCP service: connect, then, where configured, a PROXY preamble, bytes to send and bytes to expect.
// It proves what was asked for and no more: a handshake alone is done by the kernel, also for a frozen process.
//
//   idle -> resolving -> connecting (address by address) -> sending -> expecting -> idle
//
// After a pass one connection stays open beside the polls, if the server lets it: the watched connection. Its end
// is the quickest sign that the service died, and calls the hint.
#pragma once

#include "base/unique_fd.hpp"
#include "config/config.hpp"
#include "core/ports.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"
#include "probe/connection_watch.hpp"
#include "probe/endpoint.hpp"
#include "probe/probe_run.hpp"
#include "probe/resolver.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace healthgate::probe {

class TcpProber final : public core::Prober {
public:
  // `config` has passed check(). `timeout` is absolute: name, connect and answer together. `loop` and `resolver`
  // outlive the prober.
  TcpProber(loop::EventLoop& loop, Resolver& resolver, const config::ProbeConfig& config, core::Duration timeout);
  ~TcpProber() override;
  TcpProber(const TcpProber&) = delete;
  TcpProber& operator=(const TcpProber&) = delete;

  void start(Done done) override;
  void cancel() override;
  void on_hint(Hint hint) override;

private:
  void resolved(Resolution resolution);
  void connect_next();
  void connect_failed(int error);
  void connected();
  void on_ready(std::uint32_t events);
  void send_more();
  void receive_more();
  void judge(bool ended);
  void deadline_passed();
  void pass(std::string detail);
  void fail(core::FailureClass failure, std::string detail);
  void stop();

  enum class State { idle, resolving, connecting, sending, expecting };

  loop::EventLoop& loop_;
  Resolver& resolver_;
  const config::ProbeConfig config_;
  const core::Duration timeout_;
  const Endpoint source_; // length 0: the kernel's choice
  ConnectionWatch watched_;
  ProbeRun run_;

  // Of the probe that runs.
  State state_ = State::idle;
  Resolver::Lookup lookup_;
  std::vector<Endpoint> candidates_;
  std::size_t next_ = 0;       // candidate to try
  std::string refusals_;       // "::1 refused, " for the connect step
  int last_error_ = 0;         // errno of the last candidate
  core::Timers::Id attempt_timer_ = 0;
  base::UniqueFd socket_;
  loop::IoWatch io_; // after socket_: it ends first
  std::string outgoing_;
  std::string incoming_;
};

} // namespace healthgate::probe
