// One gate's guard: while the service is dead, new connections to its own ports are reset, or relayed to a
// peer, by rules that act as long as those ports have a lease. The lease is the gate's the other way round:
// a daemon that is silent lets everything through, as if no guard were installed.
//
// core::GuardDecider says when; this class renews and revokes, asks the peers, and says what the table holds.
#pragma once

#include "app/peers.hpp"
#include "config/config.hpp"
#include "core/guard_decider.hpp"
#include "core/ports.hpp"
#include "core/ruleset.hpp"
#include "core/snapshot.hpp"
#include "loop/event_loop.hpp"

#include <functional>
#include <memory>
#include <string>

namespace healthgate::app {

class Guard {
public:
  struct Services {
    loop::EventLoop& loop;
    core::RulesetStore& store;
    probe::Context& probes;
    ProbeTask::Random random;
    std::function<void()> table_changed; // rules() or peers_by_name() is another than before
  };

  // `config` has a guard. Moves nothing before start().
  Guard(const config::GateConfig& config, Services services);
  ~Guard();
  Guard(const Guard&) = delete;
  Guard& operator=(const Guard&) = delete;

  void start();
  // The same guard with other keys: it goes on standing at ports that stay. `new_probes`: their results are
  // counted anew.
  void reconfigure(const config::GateConfig& config, bool new_probes);

  // What a probe found, and the verdict that was made of it.
  void on_result(std::size_t index, const core::ProbeResult& result, core::Health verdict);
  // Stands or lifts, by a pulse, before this returns. `admits`: the gate lets in; `drained`: by an
  // administrator. True when that is another than before.
  bool follow(bool admits, bool drained, const std::string& evidence);
  void on_report(const core::StoreReport& report);
  // Nothing stands when this returns.
  void lift();
  // A successor may move the leases from now on.
  void suspend();
  void resume() { tend(); }

  [[nodiscard]] bool stands() const { return stands_; }
  // "reset at 80, 443", "relay at 80 to 192.0.2.24"
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] core::GuardRules rules() const;
  // Peers that may ask this gate though its allowlist does not have them.
  [[nodiscard]] std::vector<core::Address> peers_by_name() const;
  // All but what only the kernel knows.
  [[nodiscard]] core::GuardSnapshot snapshot() const;

private:
  void make_peers();
  void tend();

  config::GateConfig config_;
  Services services_;
  core::GuardDecider decider_;
  std::unique_ptr<Peers> peers_; // none without relay
  bool started_ = false;
  bool stands_ = false;
  core::WallTime since_{};
  std::string comment_;
  core::Timers::Id timer_ = 0; // of the next renewal, or the next try to lift
  core::TimePoint lifted_{};
};

// What the configuration alone says of a gate's guard.
[[nodiscard]] core::GuardRules configured_guard(const config::GateConfig& config);

} // namespace healthgate::app
