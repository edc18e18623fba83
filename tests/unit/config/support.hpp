// Files and sources in memory for the tests of config/.
#pragma once

#include "config/load.hpp"

#include <cerrno>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace healthgate::config {

// What the directory of a healthgate host holds, as path -> content.
using Tree = std::map<std::string, std::string>;

inline constexpr const char* main_file = "/etc/healthgate/healthgate.conf";

inline Files tree_files(Tree tree) {
  Files files;
  files.read = [tree](const Files::Path& path) -> base::Result<std::string, FileError> {
    const auto found = tree.find(path.string());
    if (found == tree.end()) {
      return base::Failure{FileError{ENOENT, "No such file or directory"}};
    }
    return found->second;
  };
  files.list = [tree](const Files::Path& directory) -> base::Result<std::vector<Files::Path>, FileError> {
    std::vector<Files::Path> paths;
    for (const auto& [path, content] : tree) {
      if (Files::Path(path).parent_path() == directory) {
        paths.insert(paths.begin(), path); // the other way round than the loader wants them
      }
    }
    if (paths.empty()) {
      return base::Failure{FileError{ENOENT, "No such file or directory"}};
    }
    return paths;
  };
  return files;
}

inline Sources sources_of(Tree tree, Sources::Pairs environment = {}, Sources::Pairs command_line = {}) {
  Sources sources;
  sources.environment = std::move(environment);
  sources.command_line = std::move(command_line);
  sources.files = tree_files(std::move(tree));
  return sources;
}

inline Sources sources_of(const char* text) {
  return sources_of(Tree{{main_file, text}});
}
inline Sources sources_of(const std::string& text) {
  return sources_of(Tree{{main_file, text}});
}

// The configuration; on errors an empty one, with the errors as its notes, so that a test shows them.
inline Config loaded(const Sources& sources) {
  const auto result = load(sources);
  if (result) {
    return result.value();
  }
  Config failed;
  for (const ConfigError& error : result.error()) {
    failed.notes.push_back(error.to_string());
  }
  return failed;
}
inline Config loaded(const std::string& text) {
  return loaded(sources_of(text));
}

// The errors as lines, with the main file's directory left out: "healthgate.conf:3: ...".
inline std::vector<std::string> errors_of(const Sources& sources) {
  std::vector<std::string> lines;
  const auto result = load(sources);
  if (result) {
    return lines;
  }
  for (const ConfigError& error : result.error()) {
    std::string line = error.to_string();
    const std::string directory = "/etc/healthgate/";
    lines.push_back(line.rfind(directory, 0) == 0 ? line.substr(directory.size()) : line);
  }
  return lines;
}
inline std::vector<std::string> errors_of(const std::string& text) {
  return errors_of(sources_of(text));
}

// A gate that is good by itself, for tests of one more line in it; the line is number 4.
inline std::string gate_with(const std::string& lines) {
  return "[gate.router]\nport = 18898\nprobe = http://localhost:1936/healthz/ready\n" + lines + "\n";
}
// A probe section that is good by itself, and the gate that uses it; the line is number 6.
inline std::string probe_with(const std::string& url, const std::string& lines) {
  return "[gate.router]\nport = 18898\nprobe = @it\n[probe.it]\nurl = " + url + "\n" + lines + "\n";
}

} // namespace healthgate::config
