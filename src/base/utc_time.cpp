#include "base/utc_time.hpp"

#include <cstdio>
#include <ctime>

namespace healthgate::base {

std::string utc_seconds(WallTime when) {
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(when).time_since_epoch().count();
  tm parts{};
  (void)gmtime_r(&seconds, &parts); // fails only for years beyond int
  char text[64];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

std::string utc_milliseconds(WallTime when) {
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(when).time_since_epoch().count() % 1000;
  char fraction[8];
  (void)std::snprintf(fraction, sizeof fraction, ".%03dZ",
                      static_cast<int>(millis < 0 ? millis + 1000 : millis));
  auto text = utc_seconds(when);
  text.replace(text.size() - 1, 1, fraction);
  return text;
}

std::optional<WallTime> read_utc(const std::string& text) {
  tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) {
    return std::nullopt;
  }
  int millis = 0;
  int length = 0;
  if (*rest == '.' && std::sscanf(rest, ".%3d%n", &millis, &length) == 1 && length == 4 && rest[1] != '-') {
    rest += length;
  }
  if (rest[0] != 'Z' || rest + 1 != text.c_str() + text.size()) {
    return std::nullopt;
  }
  return WallTime(std::chrono::seconds(::timegm(&parts)) + std::chrono::milliseconds(millis));
}

} // namespace healthgate::base
