// The nodes that take new connections over while the service here is dead: who they are, and which of them
// can. A peer is healthy while its own gate, on the same port as ours, accepts a connect from here; it is
// asked at the gate's tempo, and the idle connection to it is watched, so that its end is noticed at once.
//
// Names are looked up beside the loop, at start and every half minute: a headless Service has an address for
// each node. What a failed lookup had found before stays.
#pragma once

#include "app/probe_task.hpp"
#include "core/allowlist.hpp"
#include "core/snapshot.hpp"
#include "probe/make_prober.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace healthgate::app {

class Peers {
public:
  // `changed` is called when known() or healthy() is another than before. Nothing is asked before start().
  Peers(const config::GateConfig& gate, probe::Context& context, ProbeTask::Random random,
        std::function<void()> changed);
  ~Peers();
  Peers(const Peers&) = delete;
  Peers& operator=(const Peers&) = delete;

  void start();

  // Without this host's own; sorted.
  [[nodiscard]] std::vector<core::Address> known() const;
  [[nodiscard]] std::vector<core::Address> healthy() const;
  // Those of known() that the configuration gives by name.
  [[nodiscard]] std::vector<core::Address> by_name() const;
  [[nodiscard]] std::vector<core::PeerSnapshot> snapshot() const;

private:
  struct Peer {
    bool healthy = false;
    std::unique_ptr<ProbeTask> task;
  };

  void look_up();
  void looked_up(const std::string& name, const probe::Resolution& resolution);
  void follow();
  [[nodiscard]] std::unique_ptr<ProbeTask> make_task(const core::Address& address);

  config::GateConfig gate_;
  probe::Context& context_;
  ProbeTask::Random random_;
  std::function<void()> changed_;
  std::map<std::string, std::vector<core::Address>> found_; // by name
  std::map<std::string, std::string> problems_;             // of names, as logged
  std::map<core::Address, Peer> peers_;
  std::vector<probe::Resolver::Lookup> lookups_;
  core::Timers::Id timer_ = 0;
};

} // namespace healthgate::app
