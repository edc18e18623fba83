// The Snapshot as JSON and back: /status, `healthgate status --json`, and what `healthgate status` itself
// reads. Names are snake_case, times RFC 3339 in UTC with milliseconds, durations in seconds, what is not
// known is null. Fields may be added; "layout" changes when one is renamed or goes.
#pragma once

#include "base/result.hpp"
#include "core/snapshot.hpp"

#include <string>
#include <string_view>

namespace healthgate::observe {

inline constexpr int layout_version = 1;

// One line. What is no UTF-8 is replaced.
[[nodiscard]] std::string to_json(const core::Snapshot& snapshot);
[[nodiscard]] std::string to_json(const core::TransitionSnapshot& transition);

// A failure is one sentence; nothing throws. Unknown fields are passed over, missing ones keep their default.
// Points of the monotonic clock are rebuilt from the wall clock.
[[nodiscard]] base::Result<core::Snapshot, std::string> snapshot_from_json(std::string_view text);
[[nodiscard]] base::Result<core::TransitionSnapshot, std::string> transition_from_json(std::string_view text);

} // namespace healthgate::observe
