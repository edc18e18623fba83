#include "app/doctor/report.hpp"

#include "app/commands/command.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace healthgate::app::doctor {
namespace {

using nlohmann::json;

const char* colour_of(Severity severity) {
  switch (severity) {
  case Severity::error:
    return "\033[1;31m";
  case Severity::warning:
  case Severity::unknown:
    return "\033[1;33m";
  case Severity::note:
    return "\033[2m";
  }
  return "";
}

std::size_t count(const Findings& findings, Severity severity) {
  return static_cast<std::size_t>(std::count_if(
      findings.begin(), findings.end(), [severity](const Finding& one) { return one.severity == severity; }));
}

void add_line(std::string& text, const char* label, const std::string& line) {
  if (!line.empty()) {
    text += std::string("    ") + label + line + "\n";
  }
}

std::string summary(const Findings& findings) {
  std::string text;
  const auto add = [&](Severity severity, const char* one, const char* many) {
    if (const std::size_t number = count(findings, severity); number != 0) {
      text += (text.empty() ? "" : ", ") + std::to_string(number) + " " + (number == 1 ? one : many);
    }
  };
  add(Severity::error, "error", "errors");
  add(Severity::warning, "warning", "warnings");
  add(Severity::unknown, "thing that could not be judged", "things that could not be judged");
  return text.empty() ? "nothing stands in the load balancer's way" : text;
}

} // namespace

std::string to_text(const Findings& findings, bool colour) {
  std::string text;
  for (const auto& finding : findings) {
    const std::string severity(to_string(finding.severity));
    text += colour ? colour_of(finding.severity) + severity + "\033[0m" : severity;
    text += ": " + (finding.gate.empty() ? "" : "gate " + finding.gate + ": ") + finding.what + "\n";
    add_line(text, "seen: ", finding.evidence);
    add_line(text, "do:   ", finding.remedy);
    add_line(text, "keep: ", finding.lasting);
  }
  return text + summary(findings) + "\n";
}

std::string to_json(const Findings& findings) {
  auto list = json::array();
  for (const auto& finding : findings) {
    list.push_back(
        {{"severity", finding.severity == Severity::unknown ? "unknown" : to_string(finding.severity)},
         {"check", finding.check},
         {"gate", finding.gate},
         {"what", finding.what},
         {"evidence", finding.evidence},
         {"remedy", finding.remedy},
         {"lasting", finding.lasting}});
  }
  return json({{"findings", list}}).dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

int exit_code_of(const Findings& findings) {
  if (count(findings, Severity::error) + count(findings, Severity::warning) != 0) {
    return exit_no;
  }
  return count(findings, Severity::unknown) != 0 ? exit_unknown : exit_done;
}

} // namespace healthgate::app::doctor
