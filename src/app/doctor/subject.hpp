// What the checks of `healthgate doctor` look at, read once for all of them.
#pragma once

#include "config/config.hpp"
#include "core/snapshot.hpp"

#include <optional>
#include <string>

namespace healthgate::app::doctor {

struct DaemonState {
  enum class Kind {
    running,
    absent,     // nobody answers on the control socket
    unreadable, // somebody does, or may, and this user is not told
  };
  Kind kind = Kind::absent;
  std::string why;                        // of absent and unreadable, one sentence
  std::optional<core::Snapshot> snapshot; // of running
};

struct Subject {
  const config::Config& config;
  const DaemonState& daemon;
};

} // namespace healthgate::app::doctor
