// The log facade. One line a call, with named fields; the application installs the sink (app/logging.cpp).
// Only app/ and main log above debug: a lower folder returns what happened (src/README.md, "Errors").
// A call never blocks and never throws; while no sink is installed it does nothing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::base::log {

enum class Level { debug, info, warning, error };

struct Field {
  std::string_view name; // lower case, e.g. "gate"; journald gets HEALTHGATE_GATE
  std::string value;
};

struct Record {
  Level level;
  std::string_view message; // one sentence without a newline, readable without the fields
  const std::vector<Field>& fields;
};

using Sink = std::function<void(const Record&)>;

// Installs the sink and the lowest level that reaches it. Not thread-safe: call before other threads start.
void install(Sink sink, Level lowest);
void set_level(Level lowest);
[[nodiscard]] bool enabled(Level level);

void write(Level level, std::string_view message, const std::vector<Field>& fields = {});
inline void debug(std::string_view m, const std::vector<Field>& f = {}) {
  write(Level::debug, m, f);
}
inline void info(std::string_view m, const std::vector<Field>& f = {}) {
  write(Level::info, m, f);
}
inline void warning(std::string_view m, const std::vector<Field>& f = {}) {
  write(Level::warning, m, f);
}
inline void error(std::string_view m, const std::vector<Field>& f = {}) {
  write(Level::error, m, f);
}

} // namespace healthgate::base::log
