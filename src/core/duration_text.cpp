#include "core/duration_text.hpp"

#include <cstdio>

namespace healthgate::core {
namespace {

// With two digits behind the point at most, and none that is zero: "1.5", "0.4", "3.93".
std::string decimal(double value, int digits) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.*f", digits, value); // 32 bytes are enough below ten
  std::string trimmed = text;
  trimmed.erase(trimmed.find_last_not_of('0') + 1);
  if (trimmed.back() == '.') {
    trimmed.pop_back();
  }
  return trimmed;
}

} // namespace

std::string duration_text(Duration duration) {
  using namespace std::chrono;
  const auto millis = round<milliseconds>(duration);
  if (millis < 10ms) {
    return decimal(std::chrono::duration<double, std::milli>(duration).count(), 1) + "ms";
  }
  if (millis < 1s) {
    return std::to_string(millis.count()) + "ms";
  }
  if (millis < 10s) {
    return decimal(std::chrono::duration<double>(duration).count(), 2) + "s";
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
