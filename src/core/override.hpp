// What an administrator wants of a gate, against or beside its probes. Pure; the second machine of three.
//
//   automatic    the probes decide
//   drained      closed, whatever the probes say; wins over everything
//   forced open  open, whatever the probes say
//
// A drain-file is a source of its own: while it is there the gate is drained, and `auto` does not end it.
// Ending a drain brings back nothing older: one override a gate.
#pragma once

#include "core/time.hpp"

#include <optional>
#include <string>

namespace healthgate::core {

enum class OverrideKind { drain, force_open };

struct OverrideOrder {
  friend bool operator==(const OverrideOrder&, const OverrideOrder&) = default;
  OverrideKind kind = OverrideKind::drain;
  WallTime since{};
  std::optional<WallTime> until; // by the wall clock: it must mean the same after a reboot
  std::string who;               // "alice (uid 1000)"
  std::string reason;            // "" when none was given
};

class Override {
public:
  // An order replaces the one before, but a force-open does not replace a drain: false then, and nothing
  // changes.
  bool order(OverrideOrder order);
  // Ends the order; false when there was none.
  bool end();
  // Ends an order whose time is over; true when it did.
  bool on_time(WallTime now);

  void set_drain_file(std::optional<WallTime> since) { file_since_ = since; }

  // What is in force: the drain-file first, then the order.
  [[nodiscard]] std::optional<OverrideOrder> effective() const;
  // The order that outlives a restart; a drain-file is looked at again instead.
  [[nodiscard]] const std::optional<OverrideOrder>& remembered() const { return order_; }
  [[nodiscard]] std::optional<WallTime> next_deadline() const;

private:
  std::optional<OverrideOrder> order_;
  std::optional<WallTime> file_since_;
};

// "drain", "force-open"
const char* to_string(OverrideKind kind);

} // namespace healthgate::core
