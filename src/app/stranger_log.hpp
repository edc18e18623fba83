// Says in the log who asks a gate and is not allowed: a load balancer whose address has changed looks like a
// stranger, and its node is out without any probe having failed. Pure; see StrangerWatch for who calls it.
#pragma once

#include "core/allowlist.hpp"
#include "core/time.hpp"

#include <cstddef>
#include <deque>
#include <map>
#include <string>
#include <vector>

namespace healthgate::app {

// One gate's. Each source is said once until it was silent for `forget`; at most `burst` lines a minute,
// whoever scans.
class StrangerLog {
public:
  static constexpr core::Duration forget = std::chrono::minutes(10); // as the kernel's set does
  static constexpr core::Duration window = std::chrono::minutes(1);
  static constexpr std::size_t burst = 5;
  static constexpr std::size_t most_remembered = 512; // the kernel's set holds 256 of each family

  struct Line {
    core::Address address;
    std::size_t unsaid = 0; // others that were denied since the line before and got no line
  };

  // `asking` are the sources of now, in any order; returns those that deserve a line.
  [[nodiscard]] std::vector<Line> news(const std::vector<core::Address>& asking, core::TimePoint now);

private:
  void forget_the_silent(core::TimePoint now);

  std::map<core::Address, core::TimePoint> known_; // when it asked last
  std::deque<core::TimePoint> said_;               // the lines of the last minute
  std::size_t unsaid_ = 0;
};

} // namespace healthgate::app
