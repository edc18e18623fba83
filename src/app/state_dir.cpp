#include "app/state_dir.hpp"

#include "app/gate_history.hpp"
#include "base/log.hpp"

#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>

namespace healthgate::app {
namespace {

namespace log = base::log;

constexpr const char* overrides_file = "overrides.json";

std::optional<std::string> read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return std::nullopt;
  }
  std::stringstream content;
  content << file.rdbuf();
  return content.str();
}

core::OverrideOrder order_of(const core::OverrideSnapshot& remembered) {
  core::OverrideOrder order;
  order.kind = remembered.kind == "drain" ? core::OverrideKind::drain : core::OverrideKind::force_open;
  order.since = remembered.since;
  order.until = remembered.until;
  order.who = remembered.who;
  order.reason = remembered.reason;
  return order;
}

} // namespace

void StateDir::load() {
  load_overrides();
  load_histories();
}

void StateDir::load_overrides() {
  const auto path = directory_ / overrides_file;
  const auto content = read_file(path);
  if (!content) {
    return; // none yet
  }
  auto overrides = overrides_from_json(*content);
  if (!overrides) {
    log::error(path.string() + " is not read, no override is in force: " + overrides.error());
    return;
  }
  overrides_ = std::move(overrides).value();
}

void StateDir::load_histories() {
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory_, error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto gate = gate_of_history_file(entry->path()); !gate.empty()) {
      load_history(gate, entry->path());
    }
  }
  if (error) {
    log::warning("state-dir " + directory_.string() +
                 " cannot be read, nothing will outlive a restart: " + error.message());
  }
}

void StateDir::load_history(const std::string& gate, const std::filesystem::path& path) {
  const auto content = read_file(path);
  if (!content) {
    log::warning(path.string() + " cannot be read: the history of gate " + gate + " begins anew");
    return;
  }
  auto history = parse_history(*content);
  if (history.bad_lines > 0) {
    log::warning(path.string() + " is damaged: " + std::to_string(history.oldest_first.size()) +
                 " transitions are read, " + std::to_string(history.bad_lines) + " lines are none");
  }
  histories_[gate] = std::move(history.oldest_first);
}

std::optional<core::OverrideOrder> StateDir::override_of(const std::string& gate) const {
  const auto found = overrides_.find(gate);
  return found == overrides_.end() ? std::nullopt : std::optional(order_of(found->second));
}

void StateDir::remember_override(const std::string& gate, const std::optional<core::OverrideOrder>& order) {
  if (order) {
    overrides_[gate] = {core::to_string(order->kind), order->since, order->until, order->who, order->reason};
  } else {
    overrides_.erase(gate);
  }
  files_.write(directory_ / overrides_file, overrides_to_json(overrides_));
}

std::vector<core::TransitionSnapshot> StateDir::history_of(const std::string& gate) const {
  const auto found = histories_.find(gate);
  return found == histories_.end() ? std::vector<core::TransitionSnapshot>() : found->second;
}

void StateDir::keep_history(const std::string& gate, std::vector<core::TransitionSnapshot> oldest_first) {
  histories_[gate] = std::move(oldest_first);
}

void StateDir::write_history(const std::string& gate, std::string content) {
  files_.write(history_file(directory_, gate), std::move(content));
}

void StateDir::write_beside(const std::filesystem::path& path, std::string content) {
  files_.write(path, std::move(content));
}

} // namespace healthgate::app
