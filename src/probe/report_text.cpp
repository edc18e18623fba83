#include "probe/report_text.hpp"

#include "core/duration_text.hpp"
#include "probe/printable.hpp"

#include <cstdio>

namespace healthgate::probe {
namespace {

constexpr std::size_t detail_limit_chars = 90;
constexpr const char* green = "\033[32m";
constexpr const char* red = "\033[31m";
constexpr const char* plain = "\033[0m";

double seconds_of(core::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

std::string milliseconds_text(core::Duration duration) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.1f ms", seconds_of(duration) * 1000.0);
  return text;
}

} // namespace

std::string report_text(const std::string& gate, const config::ProbeConfig& config,
                        const core::ProbeResult& result, core::Duration timeout, bool colour) {
  const auto paint = [&](const char* code, const std::string& text) {
    return colour ? code + text + plain : text;
  };
  auto text = gate + "  " + (config.name == config.url ? "" : config.name + "  ") + config.url + "\n";
  for (const auto& step : result.steps) {
    char line[64];
    (void)std::snprintf(line, sizeof line, "  %-11s %9s  ", step.name.c_str(),
                        milliseconds_text(step.at).c_str());
    const auto detail = printable(step.detail, detail_limit_chars);
    text += line + (step.ok ? detail : paint(red, detail.empty() ? "failed" : detail)) + "\n";
  }
  text += "  " + (result.passed ? paint(green, "PASSED") : paint(red, "FAILED")) + " in " +
          milliseconds_text(result.took) + " (timeout " + core::duration_text(timeout) +
          "): " + result.detail;
  if (!result.passed) {
    text += " [" + std::string(core::to_string(result.failure)) + "]";
  }
  return text + "\n";
}

nlohmann::json to_json(const core::ProbeResult& result) {
  auto steps = nlohmann::json::array();
  for (const auto& step : result.steps) {
    steps.push_back(
        {{"name", step.name}, {"at_seconds", seconds_of(step.at)}, {"detail", step.detail}, {"ok", step.ok}});
  }
  return {{"passed", result.passed},
          {"class", std::string(core::to_string(result.failure))},
          {"detail", result.detail},
          {"answered_by", result.answered_by},
          {"took_seconds", seconds_of(result.took)},
          {"steps", steps}};
}

} // namespace healthgate::probe
