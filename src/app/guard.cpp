#include "app/guard.hpp"

#include "app/own_addresses.hpp"
#include "base/log.hpp"
#include "base/utc_time.hpp"

#include <algorithm>
#include <utility>

namespace healthgate::app {
namespace {

constexpr core::Duration retry = std::chrono::milliseconds(20); // of a pulse that was not acknowledged

std::vector<core::GuardDecider::Terms> terms_of(const config::GateConfig& config) {
  std::vector<core::GuardDecider::Terms> terms;
  for (const auto& probe : config.probes) {
    const bool talks = probe.scheme != config::Scheme::file && probe.scheme != config::Scheme::exec;
    terms.push_back({talks && !probe.soft, probe.fall.value_or(config.fall)});
  }
  return terms;
}

// Whom to ask, and how often. Peers that stay the same keep what is known of them.
bool same_peers(const config::GateConfig& a, const config::GateConfig& b) {
  return a.guard == b.guard && a.port == b.port && a.peers == b.peers && a.peer_names == b.peer_names &&
         a.interval == b.interval && a.fast_interval == b.fast_interval &&
         a.down_interval == b.down_interval && a.timeout == b.timeout && a.jitter_percent == b.jitter_percent;
}

core::GuardMode mode_of(config::Guard guard) {
  switch (guard) {
  case config::Guard::off:
    return core::GuardMode::off;
  case config::Guard::reset:
    return core::GuardMode::reset;
  case config::Guard::relay:
    return core::GuardMode::relay;
  }
  return core::GuardMode::off;
}

std::vector<std::uint16_t> sorted(std::vector<std::uint16_t> ports) {
  std::sort(ports.begin(), ports.end());
  return ports;
}

} // namespace

core::GuardRules configured_guard(const config::GateConfig& config) {
  core::GuardRules rules;
  rules.mode = mode_of(config.guard);
  rules.ports = sorted(config.guard_ports);
  rules.comment = "while the service is dead";
  if (config.guard == config::Guard::relay) {
    rules.peers = without_own(config.peers);
    rules.peers_by_name = !config.peer_names.empty();
  }
  return rules;
}

Guard::Guard(const config::GateConfig& config, Services services)
    : config_(config), services_(std::move(services)), decider_(terms_of(config)),
      since_(services_.loop.now().wall), comment_(configured_guard(config).comment) {
  make_peers();
}

Guard::~Guard() {
  services_.loop.cancel(timer_);
}

void Guard::make_peers() {
  peers_.reset();
  if (config_.guard == config::Guard::relay) {
    peers_ = std::make_unique<Peers>(config_, services_.probes, services_.random, services_.table_changed);
  }
}

void Guard::start() {
  started_ = true;
  if (peers_) {
    peers_->start();
  }
}

void Guard::reconfigure(const config::GateConfig& config, bool new_probes) {
  const auto old = std::exchange(config_, config);
  for (const auto port : old.guard_ports) {
    if (std::find(config_.guard_ports.begin(), config_.guard_ports.end(), port) ==
        config_.guard_ports.end()) {
      (void)services_.store.revoke(port); // unanswered: the table has no such port any more, nor its chain
    }
  }
  if (new_probes) {
    decider_ = core::GuardDecider(terms_of(config_), decider_.state());
  }
  if (!same_peers(old, config_)) {
    make_peers();
    if (started_ && peers_) {
      peers_->start();
    }
  }
}

void Guard::on_result(std::size_t index, const core::ProbeResult& result, core::Health verdict) {
  (void)decider_.on_result(index, result, verdict);
}

bool Guard::follow(bool admits, bool drained, const std::string& evidence) {
  const bool wanted = !admits && (decider_.lost() || (drained && config_.guard_on_drain));
  if (wanted == stands_ || !started_) {
    return false;
  }
  stands_ = wanted;
  const auto now = services_.loop.now();
  since_ = now.wall;
  lifted_ = now.mono;
  tend();
  comment_ =
      std::string(stands_ ? "standing" : "lifted") + " since " + base::utc_seconds(since_) + ": " + evidence;
  services_.table_changed();
  return true;
}

// Renews while it stands. Revokes once, and again for as long as a lease could still run if that was not
// acknowledged.
void Guard::tend() {
  services_.loop.cancel(std::exchange(timer_, 0));
  bool acknowledged = true;
  for (const auto port : config_.guard_ports) {
    const auto result = stands_ ? services_.store.renew(port) : services_.store.revoke(port);
    acknowledged = acknowledged && result.answer == core::PulseAnswer::acknowledged;
  }
  const auto now = services_.loop.now().mono;
  if (!acknowledged) {
    services_.store.verify();
  }
  if (stands_ || (!acknowledged && now < lifted_ + config_.lease)) {
    timer_ = services_.loop.at(now + (acknowledged ? config_.lease / 3 : retry), [this] {
      timer_ = 0;
      tend();
    });
  }
}

void Guard::on_report(const core::StoreReport& report) {
  if (report.lease_lost && stands_) {
    tend();
  }
}

void Guard::lift() {
  if (std::exchange(stands_, false)) {
    for (const auto port : config_.guard_ports) {
      (void)services_.store.revoke(port); // unanswered: the lease runs out by itself
    }
  }
  suspend();
}

void Guard::suspend() {
  services_.loop.cancel(std::exchange(timer_, 0));
}

std::string Guard::to_string() const {
  std::string text = config_.guard == config::Guard::reset ? "reset at" : "relay at";
  for (const auto port : config_.guard_ports) {
    text += (port == config_.guard_ports.front() ? " " : ", ") + std::to_string(port);
  }
  if (!peers_) {
    return text;
  }
  const auto healthy = peers_->healthy();
  for (const auto& peer : healthy) {
    text += (peer == healthy.front() ? " to " : ", ") + peer.to_string();
  }
  return text + (healthy.empty() ? ", but no peer is healthy: reset" : "");
}

core::GuardRules Guard::rules() const {
  auto rules = configured_guard(config_);
  rules.comment = core::sanitize_comment(comment_);
  if (peers_) {
    rules.peers = peers_->known();
    rules.healthy = peers_->healthy();
  }
  return rules;
}

std::vector<core::Address> Guard::peers_by_name() const {
  return peers_ ? peers_->by_name() : std::vector<core::Address>{};
}

core::GuardSnapshot Guard::snapshot() const {
  core::GuardSnapshot snapshot;
  snapshot.mode = config_.guard == config::Guard::reset ? "reset" : "relay";
  snapshot.ports = sorted(config_.guard_ports);
  snapshot.service = core::to_string(decider_.state());
  snapshot.active = stands_;
  snapshot.since = since_;
  if (peers_) {
    snapshot.peers = peers_->snapshot();
  }
  return snapshot;
}

} // namespace healthgate::app
