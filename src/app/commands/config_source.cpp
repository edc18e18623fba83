#include "app/commands/config_source.hpp"

#include "probe/check.hpp"

#include <iostream>

namespace healthgate::app {

config::Sources config_sources(const Arguments& arguments) {
  std::optional<std::filesystem::path> file;
  if (arguments.has("config")) {
    file = arguments.value("config");
  }
  auto overrides = arguments.config_overrides;
  if (arguments.has("control")) {
    overrides.emplace_back("control-socket", arguments.value("control"));
  }
  return config::process_sources(std::move(file), std::move(overrides));
}

base::Result<config::Config, std::vector<config::ConfigError>> load_config(const config::Sources& sources) {
  auto loaded = config::load(sources);
  if (!loaded) {
    return loaded;
  }
  std::vector<config::ConfigError> errors;
  for (const auto& gate : loaded.value().gates) {
    for (const auto& probe : gate.probes) {
      for (const auto& problem : probe::check(probe)) {
        const auto where = probe.name == probe.url ? "gate " + gate.name : "[probe." + probe.name + "]";
        errors.push_back({sources.file.value_or(config::default_file), 0, problem.key, problem.value,
                          "in " + where + ": " + problem.sentence});
      }
    }
  }
  if (!errors.empty()) {
    return base::Failure{std::move(errors)};
  }
  return loaded;
}

std::optional<config::Config> load_or_complain(const Arguments& arguments) {
  auto loaded = load_config(config_sources(arguments));
  if (!loaded) {
    std::cerr << config::to_text(loaded.error());
    return std::nullopt;
  }
  return std::move(loaded).value();
}

} // namespace healthgate::app
