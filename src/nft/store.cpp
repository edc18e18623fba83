#include "nft/store.hpp"

#include "nft/committer.hpp"
#include "nft/lease_ledger.hpp"
#include "nft/pulse.hpp"

#include <cassert>
#include <cerrno>
#include <system_error>

namespace healthgate::nft {

struct Store::Parts {
  Parts(const StoreOptions& wanted, base::UniqueFd inherited)
      : options(wanted), committer(ledger, std::move(inherited)) {}

  StoreOptions options;
  std::uint64_t nonce = 0;
  Pulse pulse;
  LeaseLedger ledger;
  Committer committer; // last: its thread reads the ledger
};

namespace {

[[noreturn]] void dishonest(const std::string& what) {
  throw std::system_error(
      EPERM, std::generic_category(),
      "pulse: " + what +
          "; something else on this host refuses datagrams on loopback "
          "(an output rule, a cgroup program, a sandbox), so that leases cannot be trusted");
}

} // namespace

Store::Store(const StoreOptions& options, base::UniqueFd inherited)
    : parts_(std::make_unique<Parts>(options, std::move(inherited))) {}
Store::~Store() = default;

StartReport Store::start(std::shared_ptr<const core::Ruleset> initial) {
  const std::uint64_t wrong_nonce = ~initial->nonce;
  const std::uint16_t port = initial->gates.empty() ? std::uint16_t{0} : initial->gates.front().port;
  if (port != 0 && !parts_->pulse.is_honest(port, wrong_nonce)) {
    dishonest("a datagram was refused before our table was there");
  }
  parts_->nonce = initial->nonce;
  StartReport report = parts_->committer.start(*initial, parts_->options.owner, parts_->options.leases);
  if (port != 0 && !parts_->pulse.is_honest(port, wrong_nonce)) {
    dishonest("a datagram that none of our rules matches was refused");
  }
  return report;
}

int Store::report_fd() const {
  return parts_->committer.report_fd();
}
void Store::dispatch() {
  parts_->committer.dispatch();
}

core::PulseResult Store::renew(std::uint16_t port) {
  const auto sent = std::chrono::steady_clock::now();
  const core::PulseResult result = parts_->pulse.renew(port, parts_->nonce);
  if (result.answer == core::PulseAnswer::acknowledged) {
    parts_->ledger.renewed(port, sent);
  }
  return result;
}

core::PulseResult Store::revoke(std::uint16_t port) {
  parts_->ledger.revoked(port);
  return parts_->pulse.revoke(port, parts_->nonce);
}

void Store::apply(std::shared_ptr<const core::Ruleset> desired) {
  assert(desired->nonce == parts_->nonce);
  parts_->committer.apply(std::move(desired));
}

void Store::verify() {
  parts_->committer.verify();
}
void Store::on_report(Reported reported) {
  parts_->committer.on_report(std::move(reported));
}
Result<void> Store::remove(std::chrono::milliseconds patience) {
  return parts_->committer.remove(patience);
}

int Store::owner_fd() const {
  return parts_->committer.owner_fd();
}
Result<void> Store::pause(std::chrono::milliseconds patience) {
  return parts_->committer.pause(patience);
}
void Store::resume() {
  parts_->committer.resume();
}

} // namespace healthgate::nft
