// The transitions of one gate or of all, the newest first: of the daemon, or of its files when it is down.
#include "app/commands/daemon_client.hpp"
#include "app/gate_history.hpp"
#include "base/utc_time.hpp"
#include "core/duration_text.hpp"
#include "observe/json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <system_error>

namespace healthgate::app {
namespace {

using nlohmann::json;
using Transitions = std::vector<core::TransitionSnapshot>;

constexpr auto command = control::Command::history;

void sort_newest_first(Transitions& transitions) {
  std::stable_sort(transitions.begin(), transitions.end(),
                   [](const auto& a, const auto& b) { return a.at > b.at; });
}

// --- from where ---

base::Result<Transitions, int> from_answer(const control::Response& response) {
  if (!response.ok) {
    return base::Failure{complain(command, response.error, exit_code_of(response.kind))};
  }
  const auto snapshot = observe::snapshot_from_json(response.result);
  if (!snapshot) {
    return base::Failure{complain(command, snapshot.error(), exit_unknown)};
  }
  Transitions all;
  for (const auto& gate : snapshot.value().gates) {
    all.insert(all.end(), gate.history.begin(), gate.history.end());
  }
  return all;
}

// What a file adds; a note on stderr about what of it cannot be read.
void add_file(const std::filesystem::path& path, Transitions& all) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  if (!file) {
    complain(command, path.string() + " cannot be read", exit_unknown);
    return;
  }
  auto history = parse_history(content.str());
  if (history.bad_lines > 0) {
    complain(command,
             path.string() + " is damaged: " + std::to_string(history.bad_lines) + " lines are no transition",
             exit_unknown);
  }
  all.insert(all.end(), history.oldest_first.rbegin(), history.oldest_first.rend());
}

base::Result<Transitions, int> from_files(const Arguments& arguments, const std::string& why) {
  const auto directory = state_directory(arguments);
  if (!directory) {
    return base::Failure{complain(command, directory.error(), exit_unknown)};
  }
  std::error_code error;
  std::map<std::string, std::filesystem::path> files; // by gate
  for (std::filesystem::directory_iterator entry(directory.value(), error), end; !error && entry != end;
       entry.increment(error)) {
    if (const auto gate = gate_of_history_file(entry->path()); !gate.empty()) {
      files[gate] = entry->path();
    }
  }
  const auto wanted = arguments.operand(0);
  if (error || files.empty() || (!wanted.empty() && files.count(wanted) == 0)) {
    const auto problem =
        error ? error.message() : "no history" + (wanted.empty() ? "" : " of gate " + wanted);
    return base::Failure{
        complain(command, why + "; and in " + directory.value().string() + ": " + problem, exit_unknown)};
  }
  complain(command, why + "; this is what it left in " + directory.value().string(), exit_done);
  Transitions all;
  for (const auto& [gate, path] : files) {
    if (wanted.empty() || gate == wanted) {
      add_file(path, all);
    }
  }
  return all;
}

// --- as text ---

std::string milliseconds_text(double seconds) {
  char text[48];
  (void)std::snprintf(text, sizeof(text), "%.3f ms", seconds * 1000); // always fits
  return text;
}

// "revoked in 0.004 ms, table committed in 3.210 ms", or "".
std::string effect_text(const core::TransitionSnapshot& transition) {
  std::string text;
  if (transition.revoke_seconds) {
    text = "revoked in " + milliseconds_text(*transition.revoke_seconds);
  }
  if (transition.commit_seconds) {
    text += (text.empty() ? "" : ", ") + std::string("table committed in ") +
            milliseconds_text(*transition.commit_seconds);
  }
  return text;
}

// 2026-11-22T02:05:42.123Z router open -> closed after 3h12m, probe: HTTP 500, 2 of 2
//     2026-11-22T02:05:42.021Z failed after 3ms: HTTP 500
//     revoked in 0.004 ms, table committed in 3.210 ms
// `before` is the one before of the same gate, null for the oldest.
void print(const core::TransitionSnapshot& transition, const core::TransitionSnapshot* before) {
  std::cout << base::utc_milliseconds(transition.at) << ' ' << transition.gate << ' ';
  if (transition.from == transition.to) {
    std::cout << "stays " << transition.to;
  } else {
    std::cout << transition.from << " -> " << transition.to;
  }
  if (before != nullptr && before->to == transition.from && transition.from != transition.to) {
    std::cout << " after " << core::duration_text(transition.at - before->at);
  }
  std::cout << ", " << transition.reason << (transition.evidence.empty() ? "" : ": " + transition.evidence);
  if (!transition.actor.empty() && transition.evidence.find(transition.actor) == std::string::npos) {
    std::cout << ", by " << transition.actor;
  }
  std::cout << "\n";
  for (const auto& probe : transition.probes) {
    std::cout << "    " << base::utc_milliseconds(transition.at + (probe.started - transition.mono))
              << (probe.passed ? " passed after " : " failed after ") << core::duration_text(probe.took)
              << ": " << probe.detail << "\n";
  }
  if (const auto effect = effect_text(transition); !effect.empty()) {
    std::cout << "    " << effect << "\n";
  }
}

void print(const Transitions& newest_first) {
  for (auto one = newest_first.begin(); one != newest_first.end(); ++one) {
    const auto before =
        std::find_if(one + 1, newest_first.end(), [&](const auto& other) { return other.gate == one->gate; });
    print(*one, before == newest_first.end() ? nullptr : &*before);
  }
  if (newest_first.empty()) {
    std::cout << "no transitions yet\n";
  }
}

} // namespace

int history_command(const Arguments& arguments) {
  auto request = make_request(command);
  request.gate = arguments.operand(0);
  const auto answer = try_daemon(arguments, request);
  if (!answer && arguments.has("control") && !arguments.has("config")) {
    return complain(command, answer.error(), exit_unknown); // whose files these would be is not known
  }
  auto transitions = answer ? from_answer(answer.value()) : from_files(arguments, answer.error());
  if (!transitions) {
    return transitions.error();
  }
  auto all = std::move(transitions).value();
  sort_newest_first(all);
  if (!arguments.has("json")) {
    print(all);
    return exit_done;
  }
  auto list = json::array();
  for (const auto& transition : all) {
    list.push_back(json::parse(observe::to_json(transition)));
  }
  std::cout << list.dump(2) << "\n";
  return exit_done;
}

} // namespace healthgate::app
