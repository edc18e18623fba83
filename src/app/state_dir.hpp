// What outlives the daemon, in state-dir: overrides.json, and one history file a gate. Read once, before the
// first gate starts; written behind the loop's back, so that no disk delays a verdict.
#pragma once

#include "app/file_writer.hpp"
#include "app/state_files.hpp"
#include "core/override.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace healthgate::app {

class StateDir {
public:
  explicit StateDir(std::filesystem::path directory) : directory_(std::move(directory)) {}

  // Reads all there is. What cannot be read is logged, and the daemon goes on without it.
  void load();

  [[nodiscard]] std::optional<core::OverrideOrder> override_of(const std::string& gate) const;
  // From now on, and after a restart; none: the gate follows its probes.
  void remember_override(const std::string& gate, const std::optional<core::OverrideOrder>& order);

  // Oldest first: as it was read, or as a gate left it that a reload removed.
  [[nodiscard]] std::vector<core::TransitionSnapshot> history_of(const std::string& gate) const;
  void keep_history(const std::string& gate, std::vector<core::TransitionSnapshot> oldest_first);
  void write_history(const std::string& gate, std::string content);

  // Any other small file, by the same thread.
  void write_beside(const std::filesystem::path& path, std::string content);

  // Waits for the disk, at most `limit`; false when something is still unwritten.
  [[nodiscard]] bool drain(std::chrono::milliseconds limit) { return files_.drain(limit); }

private:
  void load_overrides();
  void load_histories();
  void load_history(const std::string& gate, const std::filesystem::path& path);

  std::filesystem::path directory_;
  Overrides overrides_; // also of gates that the configuration does not have now
  std::map<std::string, std::vector<core::TransitionSnapshot>> histories_;
  FileWriter files_;
};

} // namespace healthgate::app
