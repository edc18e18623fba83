#include "core/duration_text.hpp"

namespace healthgate::core {

std::string duration_text(Duration duration) {
  using namespace std::chrono;
  const auto millis = round<milliseconds>(duration);
  if (millis < 1s) {
    return std::to_string(millis.count()) + "ms";
  }
  if (millis < 10s && millis % 1s != 0ms) {
    return std::to_string(millis.count()) + "ms";
  }
  auto rest = round<seconds>(duration);
  std::string text;
  if (rest >= 24h) {
    text += std::to_string(rest / 24h) + "d";
    rest %= 24h;
  }
  if (rest >= 1h) {
    text += std::to_string(rest / 1h) + "h";
    rest %= 1h;
  }
  if (rest >= 1min) {
    text += std::to_string(rest / 1min) + "m";
    rest %= 1min;
  }
  if (rest > 0s || text.empty()) {
    text += std::to_string(rest.count()) + "s";
  }
  return text;
}

} // namespace healthgate::core
