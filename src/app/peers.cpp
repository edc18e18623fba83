#include "app/peers.hpp"

#include "app/own_addresses.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <utility>

namespace healthgate::app {
namespace {

constexpr core::Duration look_up_every = std::chrono::seconds(30);

std::vector<core::Address> addresses_of(const probe::Resolution& resolution) {
  std::vector<core::Address> addresses;
  for (const auto& endpoint : resolution.endpoints) {
    if (auto address = core::Address::parse(endpoint.host_text())) {
      addresses.push_back(address.value());
    }
  }
  return addresses;
}

} // namespace

Peers::Peers(const config::GateConfig& gate, probe::Context& context, ProbeTask::Random random,
             std::function<void()> changed)
    : gate_(gate), context_(context), random_(std::move(random)), changed_(std::move(changed)) {}

Peers::~Peers() {
  context_.loop.cancel(timer_);
}

void Peers::start() {
  follow();
  look_up();
}

void Peers::look_up() {
  if (gate_.peer_names.empty()) {
    return;
  }
  lookups_.clear();
  for (const auto& name : gate_.peer_names) {
    lookups_.push_back(
        context_.resolver.resolve(name, gate_.port, [this, name](const probe::Resolution& resolution) {
          looked_up(name, resolution);
        }));
  }
  timer_ = context_.loop.at(context_.loop.now().mono + look_up_every, [this] { look_up(); });
}

void Peers::looked_up(const std::string& name, const probe::Resolution& resolution) {
  if (problems_[name] != resolution.error) {
    problems_[name] = resolution.error;
    const auto text =
        resolution.error.empty() ? "found again" : resolution.error + "; the addresses that it had are kept";
    base::log::warning("gate " + gate_.name + ": peer " + name + ": " + text, {{"gate", gate_.name}});
  }
  if (!resolution.error.empty()) {
    return;
  }
  found_[name] = addresses_of(resolution);
  follow();
}

std::vector<core::Address> Peers::by_name() const {
  std::vector<core::Address> all;
  for (const auto& [name, addresses] : found_) {
    all.insert(all.end(), addresses.begin(), addresses.end());
  }
  return without_own(std::move(all));
}

// Asks those that are new, and forgets those that are gone.
void Peers::follow() {
  auto wanted = gate_.peers;
  const auto named = by_name();
  wanted.insert(wanted.end(), named.begin(), named.end());
  wanted = without_own(std::move(wanted));
  if (wanted == known()) {
    return;
  }
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    peer =
        std::binary_search(wanted.begin(), wanted.end(), peer->first) ? std::next(peer) : peers_.erase(peer);
  }
  for (const auto& address : wanted) {
    auto& peer = peers_[address];
    if (!peer.task) {
      peer.task = make_task(address);
      peer.task->start();
    }
  }
  changed_();
}

std::unique_ptr<ProbeTask> Peers::make_task(const core::Address& address) {
  config::ProbeConfig probe;
  probe.host = address.to_string();
  probe.name = "peer " + probe.host;
  probe.scheme = config::Scheme::tcp;
  probe.port = gate_.port;
  probe.url = "tcp://" + probe.host + ":" + std::to_string(probe.port);
  const auto judge = [this, address](const core::ProbeResult& result) {
    auto& peer = peers_[address];
    if (std::exchange(peer.healthy, result.passed) != result.passed) {
      base::log::info("gate " + gate_.name + ": peer " + address.to_string() +
                          (result.passed ? " takes connections over" : " does not: " + result.detail),
                      {{"gate", gate_.name}, {"peer", address.to_string()}});
      changed_();
    }
    return result.passed ? core::Schedule::Pace::steady : core::Schedule::Pace::down;
  };
  return std::make_unique<ProbeTask>(gate_, probe, context_, random_, judge);
}

std::vector<core::Address> Peers::known() const {
  std::vector<core::Address> all;
  for (const auto& [address, peer] : peers_) {
    all.push_back(address);
  }
  return all;
}

std::vector<core::Address> Peers::healthy() const {
  std::vector<core::Address> all;
  for (const auto& [address, peer] : peers_) {
    if (peer.healthy) {
      all.push_back(address);
    }
  }
  return all;
}

std::vector<core::PeerSnapshot> Peers::snapshot() const {
  std::vector<core::PeerSnapshot> all;
  for (const auto& [address, peer] : peers_) {
    const auto& last = peer.task->last();
    all.push_back({address.to_string(), peer.healthy, last ? last->detail : ""});
  }
  return all;
}

} // namespace healthgate::app
