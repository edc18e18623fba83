#include "app/commands/config_source.hpp"
#include "config/lint.hpp"

#include <nlohmann/json.hpp>

#include <iostream>

namespace healthgate::app {
namespace {

using nlohmann::json;

const char* name_of(config::Severity severity) {
  switch (severity) {
  case config::Severity::note:
    return "note";
  case config::Severity::warning:
    return "warning";
  }
  return "";
}

json errors_json(const std::vector<config::ConfigError>& errors) {
  auto list = json::array();
  for (const auto& error : errors) {
    list.push_back({{"file", error.file},
                    {"line", error.line},
                    {"key", error.key},
                    {"value", error.value},
                    {"sentence", error.sentence}});
  }
  return list;
}

json findings_json(const std::vector<config::Finding>& findings) {
  auto list = json::array();
  for (const auto& finding : findings) {
    list.push_back({{"severity", name_of(finding.severity)},
                    {"gate", finding.gate},
                    {"why", finding.why},
                    {"set", finding.set}});
  }
  return list;
}

std::string dump(const json& value) {
  return value.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

std::string files_text(const config::Config& config) {
  if (config.files.empty()) {
    return "no configuration file: the built-in gate";
  }
  std::string text;
  for (const auto& file : config.files) {
    text += (text.empty() ? "" : ", ") + file.string();
  }
  return text;
}

std::string gates_text(const config::Config& config) {
  std::string text;
  for (const auto& gate : config.gates) {
    text += (text.empty() ? "" : ", ") + gate.name + " on " + std::to_string(gate.port);
    if (text.size() > 60 && &gate != &config.gates.back()) {
      return text + ", ...";
    }
  }
  return text;
}

} // namespace

int check_command(const Arguments& arguments) {
  const auto loaded = load_config(config_sources(arguments));
  const bool as_json = arguments.has("json");
  if (!loaded) {
    if (as_json) {
      std::cout << dump({{"good", false}, {"errors", errors_json(loaded.error())}});
    } else {
      std::cerr << config::to_text(loaded.error());
      const auto count = loaded.error().size();
      std::cerr << count << (count == 1 ? " error" : " errors") << "; nothing was changed\n";
    }
    return exit_no;
  }
  const auto& config = loaded.value();
  const auto findings = config::lint(config);
  if (as_json) {
    std::cout << dump({{"good", true},
                       {"gates", config.gates.size()},
                       {"notes", config.notes},
                       {"findings", findings_json(findings)}});
    return exit_done;
  }
  std::cout << files_text(config) << ": good, " << config.gates.size()
            << (config.gates.size() == 1 ? " gate" : " gates") << " (" << gates_text(config) << ")\n";
  for (const auto& note : config.notes) {
    std::cout << "note: " << note << "\n";
  }
  for (const auto& finding : findings) {
    std::cout << name_of(finding.severity) << ": "
              << (finding.gate.empty() ? "" : "gate " + finding.gate + ": ") << finding.why
              << (finding.set.empty() ? "" : "; " + finding.set) << "\n";
  }
  return exit_done;
}

} // namespace healthgate::app
