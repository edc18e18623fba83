// What `healthgate status` prints: a person at 3 a.m. reads the first line and knows.
#pragma once

#include "core/snapshot.hpp"

#include <cstddef>
#include <string>

namespace healthgate::observe {

struct TextOptions {
  bool colour = false;
  std::size_t width = 100; // of the terminal, in columns; lines are cut there, 0: never
  std::string gate;        // only this one; "": all
};

// The daemon in one line, then each gate: a line with its state, since when and why, and what belongs to it
// below. Text that a service or another program chose is printed without control characters.
[[nodiscard]] std::string status_text(const core::Snapshot& snapshot, const TextOptions& options);

} // namespace healthgate::observe
