#include "nft/trial.hpp"

#include "base/unique_fd.hpp"
#include "nft/store.hpp"

#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <exception>
#include <system_error>
#include <thread>

namespace healthgate::nft {
namespace {

constexpr std::uint16_t port = 18898;

std::shared_ptr<const core::Ruleset> one_gate(bool relay) {
  auto ruleset = std::make_shared<core::Ruleset>();
  ruleset->revision = 1;
  ruleset->version = "trial";
  ruleset->nonce = 1;
  core::GateRules gate;
  gate.name = "trial";
  gate.port = port;
  gate.form = core::ChainForm::open;
  gate.allow = std::make_shared<core::Allowlist>(std::vector<core::Cidr>{
      core::Cidr::parse("192.0.2.0/24").value(), core::Cidr::parse("2001:db8::/32").value()});
  if (relay) {
    const core::Address peer = core::Address::parse("192.0.2.24").value();
    gate.guard = {core::GuardMode::relay, {80}, {peer}, {peer}, false, "trial"};
  }
  ruleset->gates.push_back(std::move(gate));
  return ruleset;
}

bool bring_loopback_up() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(socket.get(), SIOCSIFFLAGS, &request) == 0;
}

// On a thread of its own: unshare(2) moves the calling thread, and those that it starts.
void run(Trial& trial, bool relay) noexcept {
  if (::unshare(CLONE_NEWNET) != 0 || !bring_loopback_up()) {
    trial.obstacle = "a network namespace for the trial: " + std::generic_category().message(errno);
    return;
  }
  trial.ran = true;
  try {
    Store store(StoreOptions{});
    trial.mode = store.start(one_gate(relay)).mode;
    if (store.renew(port).answer != core::PulseAnswer::acknowledged) {
      trial.obstacle = "a datagram did not renew a lease (dynset update)";
    } else if (store.revoke(port).answer != core::PulseAnswer::acknowledged) {
      trial.obstacle = "a datagram did not revoke a lease (dynset update of the timeout, and delete)";
    }
  } catch (const std::exception& error) {
    trial.obstacle = error.what();
  }
}

} // namespace

Trial try_kernel(bool relay) {
  Trial trial;
  std::thread(run, std::ref(trial), relay).join();
  return trial;
}

} // namespace healthgate::nft
