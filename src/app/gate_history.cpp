#include "app/gate_history.hpp"

#include "base/utc_time.hpp"
#include "observe/json.hpp"

#include <numeric>
#include <utility>

namespace healthgate::app {
namespace {

constexpr std::string_view file_prefix = "history-";
constexpr const char* file_suffix = ".jsonl";

} // namespace

GateHistory::GateHistory(std::size_t limit, Save save)
    : ring_(limit), limit_(limit), save_(std::move(save)) {}

void GateHistory::restore(const std::vector<core::TransitionSnapshot>& oldest_first) {
  for (const auto& transition : oldest_first) {
    lines_.push_back(observe::to_json(transition) + "\n");
    ring_.add(transition);
  }
  while (lines_.size() > limit_) {
    lines_.pop_front();
  }
}

void GateHistory::add(core::TransitionSnapshot transition) {
  foreign_changes_ = 0;
  lines_.push_back(observe::to_json(transition) + "\n");
  ring_.add(std::move(transition));
  if (lines_.size() > limit_) {
    lines_.pop_front();
  }
  save();
}

void GateHistory::add_foreign_change(core::TransitionSnapshot change) {
  const auto before = foreign_changes_;
  if (before == 0) {
    add(std::move(change));
    foreign_changes_ = 1;
    return;
  }
  foreign_changes_ = before + 1;
  change.evidence += "; change " + std::to_string(foreign_changes_) + " in a row";
  *ring_.latest() = std::move(change);
  replace_latest();
}

void GateHistory::complete(double commit_seconds) {
  if (auto* const latest = ring_.latest()) {
    latest->commit_seconds = commit_seconds;
    replace_latest();
  }
}

void GateHistory::replace_latest() {
  lines_.back() = observe::to_json(*ring_.latest()) + "\n";
  save();
}

void GateHistory::save() {
  if (save_) {
    save_(std::accumulate(lines_.begin(), lines_.end(), std::string()));
  }
}

HistoryText parse_history(std::string_view text) {
  HistoryText history;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto transition = observe::transition_from_json(text.substr(0, end));
    if (transition) {
      history.oldest_first.push_back(std::move(transition).value());
    } else {
      ++history.bad_lines;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return history;
}

std::filesystem::path history_file(const std::filesystem::path& state_dir, const std::string& gate) {
  return state_dir / (std::string(file_prefix) + gate + file_suffix);
}

std::string gate_of_history_file(const std::filesystem::path& path) {
  const auto name = path.stem().string();
  return path.extension() == file_suffix && name.compare(0, file_prefix.size(), file_prefix) == 0
             ? name.substr(file_prefix.size())
             : std::string();
}

} // namespace healthgate::app
