// The daemon: owns everything that runs, in the order in which it must end.
//
//   start   sockets to the kernel -> the table, closed -> ports bound -> probes -> ready
//   stop    every gate revoked and shut -> ports closed -> the table removed (on-stop = close)
//                                                       or left with its leases (on-stop = hold)
//
// The table comes before the ports, so that no port is ever open without it; and the netlink sockets have the
// lower descriptors, because the kernel closes those of a killed process from the highest down (rule 5 of the
// table).
#pragma once

#include "app/config_reader.hpp"
#include "app/gate.hpp"
#include "app/ruleset_publisher.hpp"
#include "app/state_dir.hpp"
#include "app/stranger_watch.hpp"
#include "config/diff.hpp"
#include "config/load.hpp"
#include "loop/inotify.hpp"
#include "loop/notify.hpp"
#include "loop/signal.hpp"
#include "nft/readers.hpp"
#include "nft/store.hpp"
#include "probe/make_prober.hpp"

#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace healthgate::app {

class Daemon {
public:
  // `sources` is where `config` came from and a reload reads again; `inherited` what a predecessor or the
  // service manager kept for us (see hand_over()). Opens the sockets to the kernel. Throws std::system_error
  // with what was tried.
  Daemon(loop::EventLoop& loop, config::Config config, config::Sources sources,
         std::vector<loop::NamedFd> inherited);
  ~Daemon();
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;

  // Puts the table in place, binds, probes. Throws std::system_error.
  void start();
  // Closes or holds every gate, as configured or, after SIGUSR2, holds them all; then the process may end.
  void stop();
  void on_signal(const loop::Signal& signal);

  // --- a successor takes over ---
  // Duplicates of the table's netlink socket and of every listener; from now on nothing of ours moves a gate.
  // The leases run on. The failure is a sentence: then nothing has changed.
  [[nodiscard]] base::Result<std::vector<loop::NamedFd>, std::string> hand_over();
  // The successor did not come: goes on as before, as after a pause of the whole process.
  void take_back();
  // It has come: the process ends, and leaves all as it is.
  void leave();
  [[nodiscard]] bool has_left() const { return left_; }

  // --- for those who steer and watch; on the loop ---
  using Reloaded = std::function<void(std::string problem)>; // "" when it went well
  void reload(Reloaded reloaded);
  // Called after every transition, report and reload: something that is shown has changed.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }
  // Called after every reload that was accepted, also when nothing differs: files may have another content.
  void on_reload(std::function<void()> reloaded) { reloaded_ = std::move(reloaded); }
  [[nodiscard]] core::Snapshot snapshot();
  [[nodiscard]] const config::Config& config() const { return config_; }
  [[nodiscard]] Gate* find(const std::string& gate);
  [[nodiscard]] const std::vector<std::unique_ptr<Gate>>& gates() const { return gates_; }

private:
  // A gate that a reload added, until the kernel holds it closed.
  struct Waiting {
    std::string gate;
    std::uint64_t revision = 0;
  };

  [[nodiscard]] std::unique_ptr<Gate> make_gate(const config::GateConfig& config);
  [[nodiscard]] core::Ruleset build(std::uint64_t revision);
  void start_gate(Gate& gate, const nft::AdoptedGate* adopted);
  void on_report(const core::StoreReport& report);
  void on_transition(const core::TransitionSnapshot& transition);
  void on_completed(const core::TransitionSnapshot& transition);
  void apply(config::Config config);
  void remove_gate(const std::string& name);
  void add_gate(const config::GateConfig& config);
  void watch_files();
  void wait_for_hooks();
  void store_listener(const Gate& gate);
  [[nodiscard]] const config::GateConfig& config_of(const std::string& gate) const;

  loop::EventLoop& loop_;
  config::Config config_;
  std::mt19937_64 random_;
  const std::uint64_t nonce_;
  std::vector<loop::NamedFd> inherited_;
  nft::Store store_;
  nft::Reader reader_;
  StrangerWatch strangers_;
  loop::IoWatch report_watch_;
  StateDir state_;
  probe::Context probes_;
  RulesetPublisher publisher_;
  ConfigReader config_reader_;
  std::vector<std::unique_ptr<Gate>> gates_; // in the configuration's order
  std::map<std::string, Gate*> by_name_;
  std::vector<Waiting> waiting_;
  std::vector<loop::PathWatch> file_watches_;
  std::function<void()> changed_ = [] {};
  std::function<void()> reloaded_ = [] {};
  bool successor_comes_ = false; // SIGUSR2
  bool left_ = false;            // a successor has taken over

  // What snapshots tell of the whole.
  core::WallTime started_{};
  nft::TableMode mode_ = nft::TableMode::plain;
  bool in_sync_ = false;
  std::uint64_t repairs_ = 0;
  std::string last_foreign_;
  bool last_reload_ok_ = true;
  std::string last_reload_error_;
  core::WallTime last_reload_{};
  core::Histogram close_seconds_;
  core::Histogram commit_seconds_;
};

} // namespace healthgate::app
