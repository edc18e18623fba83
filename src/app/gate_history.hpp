// What happened to one gate, in memory and on disk: state-dir/history-NAME.jsonl, one transition a line, the
// oldest first, written whole and renamed into place after each. A line that is not whole is passed over, so
// that a file that was cut or scribbled on still tells the rest.
#pragma once

#include "core/history.hpp"
#include "core/snapshot.hpp"

#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::app {

class GateHistory {
public:
  // Takes the file's new content; must not block.
  using Save = std::function<void(std::string content)>;

  // At most `limit` transitions are kept; `save` may be empty.
  GateHistory(std::size_t limit, Save save);

  // What was read from the file; before the first add(). Nothing is saved.
  void restore(const std::vector<core::TransitionSnapshot>& oldest_first);
  void add(core::TransitionSnapshot transition);
  // The table was changed by another program and repaired, with the gate open. A series of those without a
  // transition between them is one entry: nobody may push the transitions out by flushing in a loop.
  void add_foreign_change(core::TransitionSnapshot change);
  // The commit of the latest transition is proven.
  void complete(double commit_seconds);

  // Null before the first.
  [[nodiscard]] const core::TransitionSnapshot* latest() const { return ring_.latest(); }
  [[nodiscard]] std::vector<core::TransitionSnapshot> newest_first() const { return ring_.newest_first(); }

private:
  void replace_latest();
  void save();

  core::History ring_;
  std::size_t limit_;
  Save save_;
  std::deque<std::string> lines_;   // of the ring, oldest first
  std::size_t foreign_changes_ = 0; // that the latest entry stands for; 0: it is a transition
};

// What a history file tells.
struct HistoryText {
  std::vector<core::TransitionSnapshot> oldest_first;
  std::size_t bad_lines = 0; // that are no transition
};
[[nodiscard]] HistoryText parse_history(std::string_view text);

[[nodiscard]] std::filesystem::path history_file(const std::filesystem::path& state_dir,
                                                 const std::string& gate);
// The gate whose history this path holds; "" when it is no history file.
[[nodiscard]] std::string gate_of_history_file(const std::filesystem::path& path);

} // namespace healthgate::app
