// What a reload changes: two configurations compared by the key table. Pure.
#pragma once

#include "config/config.hpp"
#include "config/keys.hpp"

#include <set>
#include <string>
#include <vector>

namespace healthgate::config {

struct GateChange {
  std::string name;
  std::vector<std::string>
      keys;                 // that differ, in the table's order; `allow-file` when only a file's content does
  std::set<Effect> effects; // of these keys, never empty

  [[nodiscard]] bool has(Effect effect) const { return effects.count(effect) != 0; }
};

struct Diff {
  std::vector<std::string> added;   // gates, in the order of the new configuration
  std::vector<std::string> removed; // gates, in the order of the old one
  std::vector<GateChange> changed;
  std::vector<std::string> kept;    // gates of which nothing differs: state, connection and lease stay
  std::vector<std::string> globals; // global keys that differ
  std::vector<std::string> restart; // those of them that take effect only at the next start

  [[nodiscard]] bool empty() const;
  // One line for the log: "added: bgp; router: interval, allow; global: log-level".
  [[nodiscard]] std::string to_string() const;
};

[[nodiscard]] Diff diff(const Config& before, const Config& after);

} // namespace healthgate::config
