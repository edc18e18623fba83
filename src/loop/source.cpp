#include "loop/source.hpp"

#include <system_error>
#include <systemd/sd-event.h>

namespace healthgate::loop {

std::int64_t rank(Priority priority) {
  switch (priority) {
  case Priority::deciding:
    return SD_EVENT_PRIORITY_IMPORTANT;
  case Priority::normal:
    return SD_EVENT_PRIORITY_NORMAL;
  case Priority::serving:
    return SD_EVENT_PRIORITY_IDLE;
  }
  return SD_EVENT_PRIORITY_NORMAL;
}

void end_source(sd_event_source* source) noexcept {
  (void)sd_event_source_set_enabled(source, SD_EVENT_OFF); // fails only for a source of a dead loop
  (void)sd_event_source_unref(source);                     // returns null, always
}

int check(int result, const char* what) {
  if (result < 0) {
    throw std::system_error(-result, std::generic_category(), what);
  }
  return result;
}

} // namespace healthgate::loop
