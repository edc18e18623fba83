#include "base/log.hpp"

#include <atomic>

namespace healthgate::base::log {
namespace {

struct State {
  Sink sink;
  std::atomic<Level> lowest = Level::info;
};

State& state() {
  static State instance;
  return instance;
}

} // namespace

void install(Sink sink, Level lowest) {
  state().sink = std::move(sink);
  state().lowest = lowest;
}

void set_level(Level lowest) {
  state().lowest = lowest;
}

bool enabled(Level level) {
  return state().sink && level >= state().lowest.load(std::memory_order_relaxed);
}

void write(Level level, std::string_view message, const std::vector<Field>& fields) {
  if (enabled(level)) {
    state().sink(Record{level, message, fields});
  }
}

} // namespace healthgate::base::log
