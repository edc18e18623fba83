// Owner of one registration with the event loop; the base of every watch in this folder.
#pragma once

#include "base/c_ptr.hpp"

#include <cstdint>

struct sd_event;
struct sd_event_source;

namespace healthgate::loop {

// Which of several events that are ready at once is handled first. Every handled event is followed by a new
// look at what is ready, so a flood on a lower step never delays a higher one by more than one callback.
enum class Priority {
  deciding, // what a verdict depends on: probe results, deadlines, leases, signals, the kernel's reports
  normal,   // the listener's connections, watched files
  serving,  // people and dashboards: HTTP, the control socket
};

// As sd_event_source_set_priority(3) wants it: the smaller number goes first.
std::int64_t rank(Priority priority);

// Ends the registration at once, so that the callback is not called again, and drops our reference. Allowed
// from inside the source's own callback.
void end_source(sd_event_source* source) noexcept;

using SourcePtr = base::CPtr<sd_event_source, end_source>;

// sd-event returns a negative errno. Throws std::system_error with `what` when `result` is one.
int check(int result, const char* what);

} // namespace healthgate::loop
