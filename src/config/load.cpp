#include "config/load.hpp"

#include "config/assembly.hpp"
#include "config/ledger.hpp"
#include "config/lexer.hpp"
#include "config/overrides.hpp"
#include "config/resolve.hpp"
#include "config/text.hpp"
#include "config/validate.hpp"

#include <algorithm>
#include <cerrno>
#include <set>
#include <unistd.h>

namespace healthgate::config {
namespace {

using Path = std::filesystem::path;

// What runs when there is no file at all.
constexpr const char* built_in_name = "built-in configuration";
constexpr const char* built_in_text = "[gate.router]\n"
                                      "port = 18898\n"
                                      "probe = http://localhost:1936/healthz/ready\n";

// The *.conf files of conf.d beside the main file, in lexical order.
std::vector<Path> drop_ins(const Path& main, const Files& files, Ledger& ledger) {
  const Path directory = main.parent_path() / "conf.d";
  const auto listed = files.list(directory);
  if (!listed) {
    if (listed.error().error != ENOENT) {
      ledger.refuse({directory.string(), 0, "", "", "it cannot be read: " + listed.error().sentence});
    }
    return {};
  }
  std::vector<Path> paths;
  for (const Path& path : listed.value()) {
    if (path.extension() == ".conf" && path.filename().string().front() != '.') {
      paths.push_back(path);
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Takes one file's entries. False when it is not there, which is no error where it need not be.
bool take_file(const Path& path, bool needed, const Files& files, Assembly& assembly, Ledger& ledger) {
  const auto text = files.read(path);
  if (!text) {
    if (needed || text.error().error != ENOENT) {
      ledger.refuse({path.string(), 0, "", "", "it cannot be read: " + text.error().sentence});
    }
    return false;
  }
  Lexed lexed = lex(path.string(), text.value());
  for (ConfigError& error : lexed.errors) {
    ledger.refuse(std::move(error));
  }
  assembly.take(lexed.entries, Assembly::Layer::file);
  assembly.config.files.push_back(path);
  return true;
}

void take_files(const Sources& sources, Assembly& assembly, Ledger& ledger) {
  const Path main = sources.file.value_or(default_file);
  (void)take_file(main, sources.file.has_value(), sources.files, assembly,
                  ledger); // false: judged by files.empty()
  for (const Path& path : drop_ins(main, sources.files, ledger)) {
    (void)take_file(path, false, sources.files, assembly, ledger); // gone since it was listed
  }
  if (assembly.config.files.empty() && ledger.errors().empty()) {
    assembly.take(lex(built_in_name, built_in_text).entries, Assembly::Layer::file);
    ledger.note("no configuration file (" + main.string() +
                "): the built-in gate 'router' on port 18898 runs");
  }
}

void take_overrides(const Sources& sources, Assembly& assembly, Ledger& ledger) {
  const auto gates = assembly.gate_names();
  assembly.take(environment_entries(sources.environment, gates, ledger), Assembly::Layer::override);
  assembly.take(command_line_entries(sources.command_line, gates, assembly.probe_names(), ledger),
                Assembly::Layer::override);
}

// Defaults that depend on other keys.
void fill_in(Assembly& assembly, const Ledger& ledger) {
  for (GateConfig& gate : assembly.gates) {
    if (ledger.find("gate." + gate.name, "fast-interval") == nullptr) {
      gate.fast_interval = std::min(gate.fast_interval, gate.interval);
    }
  }
}

} // namespace

std::string ConfigError::to_string() const {
  std::string out = file;
  if (line > 0) {
    out += ":" + std::to_string(line);
  }
  const bool section = begins_with(key, "[");
  if (!key.empty()) {
    out += ": " + shown(key) + (section ? "" : " = " + shown(value));
  } else if (!value.empty()) {
    out += ": " + shown(value);
  }
  return out + ": " + sentence;
}

Sources process_sources(std::optional<Path> file, Sources::Pairs command_line) {
  Sources sources;
  sources.file = std::move(file);
  sources.command_line = std::move(command_line);
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::size_t equals = text.find('=');
    if (begins_with(text, "HEALTHGATE_") && equals != std::string::npos) {
      sources.environment.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return sources;
}

base::Result<Config, std::vector<ConfigError>> load(const Sources& sources) {
  Ledger ledger;
  Assembly assembly(ledger);
  take_files(sources, assembly, ledger);
  take_overrides(sources, assembly, ledger);
  fill_in(assembly, ledger);
  if (assembly.gates.empty() && ledger.errors().empty()) {
    ledger.refuse({assembly.config.files.front().string(), 0, "", "",
                   "there is no gate; begin one with [gate.NAME], and give it port and probe"});
  }
  resolve_probes(assembly, ledger);
  resolve_allowlists(assembly, sources.files, ledger);
  validate(assembly, ledger);
  if (!ledger.errors().empty()) {
    return base::Failure{std::move(ledger.errors())};
  }
  assembly.config.gates = std::move(assembly.gates);
  assembly.config.notes = std::move(ledger.notes());
  return std::move(assembly.config);
}

std::string to_text(const std::vector<ConfigError>& errors) {
  std::string out;
  for (const ConfigError& error : errors) {
    out += error.to_string() + "\n";
  }
  return out;
}

std::vector<Path> watched_files(const Config& config) {
  std::set<Path> paths;
  for (const GateConfig& gate : config.gates) {
    paths.insert(gate.allow_files.begin(), gate.allow_files.end());
  }
  for (const auto& path : {config.metrics_cert, config.metrics_key, config.metrics_token_file}) {
    if (!path.empty()) {
      paths.insert(path);
    }
  }
  return {paths.begin(), paths.end()};
}

} // namespace healthgate::config
