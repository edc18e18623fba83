// The verdict of one gate's health: probe results in, open or closed out. Pure; the first machine of three.
//
//   each probe   failing (at start) --rise passes in a row--> passing --fall failures in a row--> failing
//   the gate     open while enough hard probes pass and no soft probe has failed for longer than its grace
//
// Hard probes close at once. Soft probes count only while at least one hard probe passes, and a failing one
// closes the gate only after `soft_grace`: the service may be saturated rather than dead, and taking every
// node out at the same moment turns overload into an outage.
#pragma once

#include "core/probe_result.hpp"
#include "core/time.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace healthgate::core {

enum class Health { closed, open };

enum class Change {
  none,    // as before, and nothing is on its way
  pending, // a streak against the present verdict has begun: probe at the fast interval
  changed, // the verdict is another than before
};

struct Decision {
  Health health = Health::closed;
  Change change = Change::none;
  std::string evidence;  // "HTTP 500, 2 of 2", one line
  std::size_t probe = 0; // whose evidence that is
};

struct ProbeTerms {
  int rise = 2; // consecutive passes until it counts as passing, at least 1
  int fall = 2; // consecutive failures until it counts as failing, at least 1
  bool soft = false;
};

class GateDecider {
public:
  struct Settings {
    std::vector<ProbeTerms> probes; // at least one
    int require = 0;                // hard probes that must pass; 0 = all
    Duration soft_grace{};
    Duration min_open{}; // a soft probe does not close a gate that opened less than this ago; a hard one does
  };

  // `initial` open is for a gate taken over from a predecessor: its probes count as passing until they fail.
  explicit GateDecider(Settings settings, Health initial = Health::closed);

  // Takes the result of probe `index`. A result of the other kind ends a streak: consecutive means
  // consecutive.
  [[nodiscard]] Decision on_result(std::size_t index, const ProbeResult& result, TimePoint now);
  // Lets the soft grace end; call it at next_deadline().
  [[nodiscard]] Decision on_time(TimePoint now);
  // When on_time() must be called, or none.
  [[nodiscard]] std::optional<TimePoint> next_deadline() const;

  [[nodiscard]] Health health() const { return health_; }
  [[nodiscard]] bool pending() const;
  // Of one probe, after rise and fall: none before its first result.
  [[nodiscard]] std::optional<bool> passing(std::size_t index) const;
  [[nodiscard]] int streak(std::size_t index) const { return probes_[index].streak; }

private:
  struct ProbeState {
    bool passing = false;
    bool judged = false; // has had a result
    int streak = 0;      // consecutive results against `passing`
    std::optional<TimePoint> failing_since;
    std::string failure; // the last one's detail
  };

  [[nodiscard]] TimePoint end_of_grace(const ProbeState& probe) const;
  [[nodiscard]] bool enough_hard_pass() const;
  [[nodiscard]] std::optional<std::size_t> soft_objection(TimePoint now) const;
  [[nodiscard]] Decision conclude(std::size_t index, std::string evidence, TimePoint now);

  Settings settings_;
  std::vector<ProbeState> probes_;
  Health health_ = Health::closed;
  TimePoint opened_{}; // when health_ became open
};

} // namespace healthgate::core
