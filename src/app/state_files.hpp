// overrides.json in state-dir, as text and back.
#pragma once

#include "base/result.hpp"
#include "core/snapshot.hpp"

#include <map>
#include <string>
#include <string_view>

namespace healthgate::app {

// By gate. A gate that the configuration no longer has keeps its entry: a drain must survive the gate's
// return.
using Overrides = std::map<std::string, core::OverrideSnapshot>;

// {"version": 1, "overrides": [{"gate", "kind", "since", "until", "who", "reason"}]}, times as Unix seconds.
[[nodiscard]] std::string overrides_to_json(const Overrides& overrides);

// A failure says what is wrong in one sentence. Nothing of a file that is not whole is taken.
[[nodiscard]] base::Result<Overrides, std::string> overrides_from_json(std::string_view text);

} // namespace healthgate::app
