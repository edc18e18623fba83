#include "app/daemon.hpp"

#include "app/commands/config_source.hpp"
#include "app/kernel_readings.hpp"
#include "app/logging.hpp"
#include "app/node_name.hpp"
#include "base/log.hpp"
#include "core/duration_text.hpp"
#include "healthgate_version.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/random.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace healthgate::app {
namespace {

namespace log = base::log;

constexpr std::chrono::milliseconds removal_patience{1000};
// Names of descriptors in the service manager's store and on the way to a successor.
constexpr std::chrono::milliseconds hook_patience{1000};
constexpr const char* listener_prefix = "gate-";
constexpr const char* table_socket = "table";
constexpr std::chrono::milliseconds handover_patience{500};

std::uint64_t random_number() {
  std::uint64_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number)) {
    throw std::system_error(errno, std::generic_category(), "getrandom");
  }
  return number;
}

nft::OwnerPolicy policy_of(config::TableOwner owner) {
  switch (owner) {
  case config::TableOwner::automatic:
    return nft::OwnerPolicy::automatic;
  case config::TableOwner::yes:
    return nft::OwnerPolicy::required;
  case config::TableOwner::no:
    return nft::OwnerPolicy::never;
  }
  return nft::OwnerPolicy::automatic;
}

// Gates that are left of an earlier configuration are closed with the descriptor.
base::UniqueFd take(std::vector<loop::NamedFd>& descriptors, const std::string& name) {
  const auto found = std::find_if(descriptors.begin(), descriptors.end(),
                                  [&](const auto& descriptor) { return descriptor.name == name; });
  if (found == descriptors.end()) {
    return {};
  }
  auto fd = std::move(found->fd);
  descriptors.erase(found);
  return fd;
}

base::UniqueFd duplicate(int fd) {
  return base::UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

} // namespace

Daemon::Daemon(loop::EventLoop& loop, config::Config config, config::Sources sources,
               std::vector<loop::NamedFd> inherited)
    : loop_(loop), config_(std::move(config)), random_(random_number()), nonce_(random_number()),
      inherited_(std::move(inherited)),
      store_({policy_of(config_.table_owner), nft::Leases::adopt}, take(inherited_, table_socket)),
      strangers_(loop, reader_), report_watch_(
                                     loop, store_.report_fd(), EPOLLIN,
                                     [this](std::uint32_t) { store_.dispatch(); }, loop::Priority::deciding),
      state_(config_.state_dir), probes_(loop),
      publisher_(loop, store_, [this](std::uint64_t revision) { return build(revision); }),
      config_reader_(loop, [sources = std::move(sources)] { return load_config(sources); }),
      close_seconds_({1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.1, 1.0}),
      commit_seconds_({1e-5, 1e-4, 1e-3, 1e-2, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0}) {
  store_.on_report([this](const core::StoreReport& report) { on_report(report); });
}

Daemon::~Daemon() = default;

// --- life ---

void Daemon::start() {
  started_ = last_reload_ = loop_.now().wall;
  state_.load();
  for (const auto& gate : config_.gates) {
    gates_.push_back(make_gate(gate));
    by_name_[gate.name] = gates_.back().get();
  }
  const auto report = store_.start(std::make_shared<const core::Ruleset>(build(publisher_.last_revision())));
  mode_ = report.mode;
  in_sync_ = true;
  log::info("table inet healthgate is in place (" + std::string(nft::to_string(mode_)) + ")" +
                (report.took_over ? ", taken over from a predecessor" : ""),
            {{"table_mode", std::string(nft::to_string(mode_))}});
  for (const auto& note : config_.notes) {
    log::info(note);
  }
  if (mode_ != nft::TableMode::plain) { // before the listeners: systemd closes the youngest first
    (void)loop::store_fd(table_socket, store_.owner_fd()); // false: nobody keeps it
  }
  for (const auto& gate : gates_) {
    const auto adopted = std::find_if(report.adopted.begin(), report.adopted.end(),
                                      [&](const auto& one) { return one.name == gate->config().name; });
    start_gate(*gate, adopted == report.adopted.end() ? nullptr : &*adopted);
  }
  for (const auto& left : inherited_) { // of gates that the configuration has no more
    (void)loop::forget_fd(left.name);
  }
  inherited_.clear();
  watch_files();
  strangers_.start();
}

void Daemon::start_gate(Gate& gate, const nft::AdoptedGate* adopted) {
  auto listener = take(inherited_, listener_prefix + gate.config().name);
  if (adopted != nullptr) {
    gate.start_adopted(adopted->remaining, adopted->comment, std::move(listener));
  } else {
    gate.start(std::move(listener));
  }
  store_listener(gate);
}

void Daemon::store_listener(const Gate& gate) {
  if (gate.listener_fd() >= 0) {
    (void)loop::store_fd(listener_prefix + gate.config().name, gate.listener_fd()); // false: nobody keeps it
  }
}

// --- a successor ---

base::Result<std::vector<loop::NamedFd>, std::string> Daemon::hand_over() {
  if (const auto paused = store_.pause(handover_patience); !paused) {
    return base::Failure{"the table cannot be handed over now: " + paused.error().what};
  }
  std::vector<loop::NamedFd> descriptors;
  descriptors.push_back({table_socket, duplicate(store_.owner_fd())});
  for (const auto& gate : gates_) {
    gate->suspend();
    if (gate->listener_fd() >= 0) {
      descriptors.push_back({listener_prefix + gate->config().name, duplicate(gate->listener_fd())});
    }
  }
  if (!state_.drain(removal_patience)) {
    log::warning("state files were not written in time for the successor");
  }
  const bool whole = std::all_of(descriptors.begin(), descriptors.end(),
                                 [](const auto& descriptor) { return descriptor.fd.valid(); });
  if (!whole) {
    take_back();
    return base::Failure{std::string("no descriptor is free to be handed over")};
  }
  log::info("handing the gates over to a successor");
  return descriptors;
}

void Daemon::take_back() {
  log::warning("the successor went without taking over: going on");
  store_.resume();
  for (const auto& gate : gates_) {
    gate->resume();
  }
}

void Daemon::leave() {
  log::info("a successor has taken over");
  left_ = true;
  loop_.exit(0);
}

void Daemon::stop() {
  loop::notify_stopping();
  bool hold = false;
  for (const auto& gate : gates_) {
    const auto how = successor_comes_ ? config::OnStop::hold : gate->config().on_stop;
    gate->stop(how, "stop", "the daemon stops");
    hold = hold || how == config::OnStop::hold;
    if (how == config::OnStop::close) {
      (void)loop::forget_fd(listener_prefix + gate->config().name); // false: nobody keeps it
    }
  }
  by_name_.clear();
  if (hold) {
    publisher_.flush(); // the gates that closed leave their mark, if there is time for it
  }
  wait_for_hooks();
  gates_.clear(); // closes the ports
  if (!hold) {
    (void)loop::forget_fd(table_socket); // false: nobody keeps it
    if (const auto removed = store_.remove(removal_patience); !removed) {
      log::warning("the table is left behind, closed: " + removed.error().what);
    }
  }
  if (!state_.drain(removal_patience)) {
    log::warning("state files were not written in time");
  }
}

// The gates are closed; whoever follows them is told so while the process is still there to kill a hook that
// hangs.
void Daemon::wait_for_hooks() {
  const auto end = loop_.now().mono + hook_patience;
  const auto busy = [this] {
    return std::any_of(gates_.begin(), gates_.end(),
                       [](const auto& gate) { return gate->neighbours_busy(); });
  };
  while (busy() && loop_.now().mono < end) {
    (void)loop_.run_once(end - loop_.now().mono); // false: the time is over
  }
}

void Daemon::on_signal(const loop::Signal& signal) {
  switch (signal.number) {
  case SIGHUP:
    reload([](const std::string& /*problem*/) {});
    break;
  case SIGUSR1:
    for (const auto& gate : gates_) {
      gate->probe_now();
    }
    break;
  case SIGUSR2:
    successor_comes_ = true;
    log::info("stopping for a successor: open gates keep their lease");
    loop_.exit(0);
    break;
  default: // SIGTERM, SIGINT
    log::info("stopping on signal " + std::to_string(signal.number));
    loop_.exit(0);
  }
}

// --- gates ---

std::unique_ptr<Gate> Daemon::make_gate(const config::GateConfig& config) {
  GateServices services{
      loop_,
      store_,
      publisher_,
      probes_,
      [this] { return std::uniform_real_distribution<double>(0.0, 1.0)(random_); },
      [this](const core::TransitionSnapshot& transition) { on_transition(transition); },
      [this](const core::TransitionSnapshot& transition) { on_completed(transition); },
      [this, name = config.name](const std::optional<core::OverrideOrder>& order) {
        state_.remember_override(name, order);
      },
      [this, name = config.name](std::string content) { state_.write_history(name, std::move(content)); },
      [this](const std::filesystem::path& path, std::string content) {
        state_.write_beside(path, std::move(content));
      }};
  auto gate = std::make_unique<Gate>(config, std::move(services));
  gate->restore_history(state_.history_of(config.name));
  if (auto remembered = state_.override_of(config.name)) {
    gate->restore(std::move(*remembered));
  }
  return gate;
}

Gate* Daemon::find(const std::string& gate) {
  const auto found = by_name_.find(gate);
  return found == by_name_.end() ? nullptr : found->second;
}

core::Ruleset Daemon::build(std::uint64_t revision) {
  return build_ruleset(config_, nonce_, revision, [this](const config::GateConfig& config) {
    const auto* const gate = find(config.name);
    return gate == nullptr ? GateForm{} : gate->form();
  });
}

void Daemon::on_report(const core::StoreReport& report) {
  in_sync_ = report.in_sync;
  if (report.took > core::Duration::zero() && report.in_sync && !report.repaired) {
    commit_seconds_.observe(std::chrono::duration<double>(report.took).count());
  }
  const auto writer = report.writer.empty() ? std::string("another program") : report.writer;
  if (report.repaired) {
    ++repairs_;
    last_foreign_ = writer + ": " + report.what;
    const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(report.took).count();
    log::warning("the table was changed by " + writer + " and repaired: " + report.what,
                 {{"writer", writer}, {"repair_us", std::to_string(micros)}});
  } else if (!report.in_sync) {
    const auto error = report.error == 0 ? "" : " (" + std::generic_category().message(report.error) + ")";
    log::warning("the kernel does not hold the table as wanted: " + report.what + error,
                 {{"writer", report.writer}});
  }
  for (const auto& gate : gates_) {
    gate->on_report(report);
  }
  for (auto one = waiting_.begin(); one != waiting_.end();) {
    if (report.revision < one->revision) {
      ++one;
      continue;
    }
    auto* const gate = find(one->gate);
    one = waiting_.erase(one);
    if (gate != nullptr) {
      start_gate(*gate, nullptr);
    }
  }
}

void Daemon::on_transition(const core::TransitionSnapshot& transition) {
  if (transition.revoke_seconds) {
    close_seconds_.observe(*transition.revoke_seconds);
  }
  const auto open =
      std::count_if(gates_.begin(), gates_.end(), [](const auto& gate) { return gate->is_open(); });
  loop::notify_status(std::to_string(open) + " of " + std::to_string(gates_.size()) + " gates open; last: " +
                      transition.gate + " " + transition.to + ": " + transition.evidence);
  changed_();
}

void Daemon::on_completed(const core::TransitionSnapshot& /*transition*/) {
  changed_();
}

// --- reload ---

void Daemon::reload(Reloaded reloaded) {
  loop::notify_reloading();
  config_reader_.read([this, done = std::move(reloaded)](const ConfigReader::Loaded& loaded) {
    last_reload_ = loop_.now().wall;
    last_reload_ok_ = loaded.ok();
    last_reload_error_.clear();
    std::string problem;
    if (loaded) {
      apply(loaded.value());
      reloaded_();
    } else {
      problem = config::to_text(loaded.error());
      last_reload_error_ = first_line(problem);
      for (const auto& error : loaded.error()) {
        log::error("reload refused, nothing was changed: " + error.to_string());
      }
    }
    loop::notify_ready();
    done(problem);
  });
}

const config::GateConfig& Daemon::config_of(const std::string& gate) const {
  return *std::find_if(config_.gates.begin(), config_.gates.end(),
                       [&](const auto& one) { return one.name == gate; });
}

void Daemon::apply(config::Config config) {
  const auto diff = config::diff(config_, config);
  if (diff.empty()) {
    log::info("reloaded: nothing has changed");
    return;
  }
  log::info("reloaded: " + diff.to_string());
  for (const auto& key : diff.restart) {
    log::warning(key + " takes effect at the next start");
  }
  config_ = std::move(config);
  set_log_level(config_.log_level);
  for (const auto& name : diff.removed) {
    remove_gate(name);
  }
  for (const auto& change : diff.changed) {
    if (change.has(config::Effect::port)) { // to the load balancer it is another gate
      remove_gate(change.name);
      add_gate(config_of(change.name));
    } else if (auto* const gate = find(change.name)) {
      gate->reconfigure(config_of(change.name), change.has(config::Effect::prober));
    }
  }
  for (const auto& name : diff.added) {
    add_gate(config_of(name));
  }
  (void)publisher_.request(); // its revision concerns nobody: metrics-allow, at most
  watch_files();
}

void Daemon::remove_gate(const std::string& name) {
  by_name_.erase(name);
  const auto found = std::find_if(gates_.begin(), gates_.end(),
                                  [&](const auto& gate) { return gate->config().name == name; });
  (*found)->stop(config::OnStop::close, "reload", "a reload took the gate away, or moved it to another port");
  auto history = (*found)->history();
  state_.keep_history(name, {history.rbegin(), history.rend()});
  gates_.erase(found);
  (void)loop::forget_fd(listener_prefix + name); // false: nobody keeps it
}

void Daemon::add_gate(const config::GateConfig& config) {
  gates_.push_back(make_gate(config));
  by_name_[config.name] = gates_.back().get();
  waiting_.push_back({config.name, publisher_.request()});
}

void Daemon::watch_files() {
  file_watches_.clear();
  for (const auto& path : config::watched_files(config_)) {
    file_watches_.emplace_back(loop_, path.string(), [this, path] {
      log::info(path.string() + " has changed");
      reload([](const std::string& /*problem*/) {});
    });
  }
}

// --- what is told ---

core::Snapshot Daemon::snapshot() {
  core::Snapshot snapshot;
  const auto now = loop_.now();
  snapshot.version = HEALTHGATE_VERSION;
  snapshot.node = node_name();
  snapshot.at = now.wall;
  snapshot.mono = now.mono;
  snapshot.started = started_;
  snapshot.in_sync = in_sync_;
  snapshot.repairs = repairs_;
  snapshot.table_mode = std::string(nft::to_string(mode_));
  snapshot.last_foreign = last_foreign_;
  snapshot.last_reload_ok = last_reload_ok_;
  snapshot.last_reload_error = last_reload_error_;
  snapshot.last_reload = last_reload_;
  snapshot.close_seconds = close_seconds_;
  snapshot.commit_seconds = commit_seconds_;
  snapshot.loop_age = loop_.stalled_for();
  for (const auto& gate : gates_) {
    snapshot.gates.push_back(gate->snapshot());
    gate->forget_margin();
  }
  add_kernel_readings(snapshot, reader_);
  return snapshot;
}

} // namespace healthgate::app
