// When each port's lease was last renewed, as acknowledged by the kernel. Written by the pulse on the loop's
// thread, read by the committer's, which tells by it whether a lease that is missing from the set was taken
// away by somebody.
#pragma once

#include "core/time.hpp"

#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>

namespace healthgate::nft {

class LeaseLedger {
public:
  void renewed(std::uint16_t port, core::TimePoint when) {
    const std::lock_guard hold(mutex_);
    renewed_[port] = when;
  }
  // From the moment before a revoke is sent, so that the lease's end is not taken for somebody's doing.
  void revoked(std::uint16_t port) {
    const std::lock_guard hold(mutex_);
    renewed_.erase(port);
  }
  [[nodiscard]] std::optional<core::TimePoint> last_renewal(std::uint16_t port) const {
    const std::lock_guard hold(mutex_);
    const auto entry = renewed_.find(port);
    return entry == renewed_.end() ? std::nullopt : std::optional(entry->second);
  }

private:
  mutable std::mutex mutex_; // held for a lookup only
  std::unordered_map<std::uint16_t, core::TimePoint> renewed_;
};

} // namespace healthgate::nft
