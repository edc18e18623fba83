// The time budget and other things that are allowed and still surprise. Pure.
#pragma once

#include "config/config.hpp"

#include <string>
#include <vector>

namespace healthgate::config {

enum class Severity {
  note,    // worth to know
  warning, // probably not what you want
};

struct Finding {
  Severity severity = Severity::note;
  std::string gate; // "" for a global key
  std::string why;  // one sentence: what happens, and by whose time
  std::string
      set; // what to write instead: "timeout = 2500ms, interval = 3s"; "" when there is nothing to set
};

// Longest time from the service's death to a closed gate when the service hangs rather than refuses: the next
// probe is up to `interval` away, and each of `fall` probes runs into its deadline. With several probes, the
// slowest hard one.
[[nodiscard]] milliseconds slowest_close(const GateConfig& gate);

[[nodiscard]] std::vector<Finding> lint(const Config& config);

} // namespace healthgate::config
