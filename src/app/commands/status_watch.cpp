#include "app/commands/status_watch.hpp"

#include "app/commands/daemon_client.hpp"
#include "base/utc_time.hpp"
#include "observe/json.hpp"
#include "observe/status_text.hpp"

#include <csignal>
#include <iostream>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace healthgate::app {
namespace {

using namespace std::chrono_literals;

constexpr auto connect_limit = 1s;
constexpr auto beat = 1s;
constexpr auto quiet_limit = 4s; // a daemon that is well sends a status each second

bool is_pipe(int fd) {
  struct stat info {};
  return ::fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

const char* verdict_of(core::Applied applied) {
  switch (applied) {
  case core::Applied::open:
    return "open";
  case core::Applied::closed:
    return "closed";
  case core::Applied::unknown:
    return "unknown";
  }
  return "unknown";
}

// What makes a line of its own when it changes; no ages, no streaks.
std::string line_of(const core::GateSnapshot& gate) {
  const std::string verdict = verdict_of(gate.applied);
  std::string line = gate.name + " " + gate.state;
  if (gate.state != verdict) {
    line += " (" + verdict + ")";
  }
  line += gate.reason.empty() ? "" : ": " + gate.reason;
  if (gate.override_) {
    line += ", " + gate.override_->kind + " by " + gate.override_->who +
            (gate.override_->reason.empty() ? "" : ": " + gate.override_->reason);
  }
  return line + (gate.port_problem.empty() ? "" : ", port " + gate.port_problem);
}

} // namespace

StatusWatch::StatusWatch(std::filesystem::path socket, std::string gate, bool json)
    : socket_(std::move(socket)), gate_(std::move(gate)), json_(json) {}

int StatusWatch::run() {
  const loop::SignalWatch signals(loop_, {SIGINT, SIGTERM, SIGHUP, SIGTSTP, SIGWINCH},
                                  [this](const loop::Signal& signal) { on_signal(signal.number); });
  if (is_pipe(STDOUT_FILENO)) {
    output_ = loop::IoWatch(loop_, STDOUT_FILENO, 0, [this](std::uint32_t /*revents*/) { end(exit_done); });
  }
  loop_.at(loop_.now().mono, [this] { on_beat(); }); // from inside the loop, so that it can end it
  const int code = loop_.run();
  screen_.reset();
  if (code != exit_done) {
    std::cerr << "healthgate status: " << trouble_ << "\n";
  }
  return code;
}

// Ends the watch when there has been nothing to see yet; else what is shown stays, and it tries again.
void StatusWatch::lose(const std::string& sentence) {
  readable_ = loop::IoWatch();
  client_.reset();
  if (!snapshot_) {
    trouble_ = sentence;
    end(exit_unknown);
    return;
  }
  tell(sentence);
}

void StatusWatch::connect() {
  auto connected = control::Client::connect(socket_, connect_limit);
  if (!connected) {
    lose(connected.error().sentence);
    return;
  }
  client_.emplace(std::move(connected).value());
  auto request = make_request(control::Command::watch);
  request.gate = gate_;
  const auto first = client_->ask(request, snapshot_ ? connect_limit : answer_limit);
  if (!first) {
    lose(first.error().sentence);
    return;
  }
  readable_ =
      loop::IoWatch(loop_, client_->fd(), EPOLLIN, [this](std::uint32_t /*revents*/) { on_readable(); });
  take(first.value());
  if (client_) {
    on_readable(); // what came with the first
  }
}

void StatusWatch::on_readable() {
  while (client_) {
    const auto next = client_->next(0ms);
    if (next) {
      take(next.value());
    } else {
      if (next.error().kind != control::ClientError::Kind::timeout) {
        lose(next.error().sentence);
      }
      return;
    }
  }
}

void StatusWatch::take(const control::Response& response) {
  if (!response.ok) {
    lose(response.error);
    return;
  }
  auto snapshot = observe::snapshot_from_json(response.result);
  if (!snapshot) {
    lose(snapshot.error());
    return;
  }
  snapshot_ = std::move(snapshot).value();
  heard_ = loop_.now().mono;
  trouble_.clear();
  if (json_) {
    std::cout << response.result << std::endl;
  } else {
    show();
  }
}

void StatusWatch::show() {
  if (!on_terminal()) {
    print_changes();
    return;
  }
  if (!snapshot_) {
    return;
  }
  if (!screen_) {
    screen_ = std::make_unique<Screen>();
  }
  const auto text = observe::status_text(*snapshot_, {wants_colour(), terminal_size().columns, gate_});
  screen_->draw((trouble_.empty() ? "" : "OLD: " + trouble_ + "\n") + text);
}

void StatusWatch::print_changes() {
  std::map<std::string, std::string> lines;
  for (const auto& gate : snapshot_->gates) {
    const auto line = line_of(gate);
    if (const auto before = printed_.find(gate.name); before == printed_.end() || before->second != line) {
      std::cout << base::utc_milliseconds(snapshot_->at) << ' ' << line << std::endl;
    }
    lines.emplace(gate.name, line);
  }
  for (const auto& [name, line] : printed_) {
    if (lines.count(name) == 0) {
      std::cout << base::utc_milliseconds(snapshot_->at) << ' ' << name << " removed" << std::endl;
    }
  }
  printed_ = std::move(lines);
}

// Says once that what is shown is old.
void StatusWatch::tell(const std::string& sentence) {
  if (trouble_ == sentence) {
    return;
  }
  trouble_ = sentence;
  if (!json_ && on_terminal()) {
    show();
  } else {
    std::cerr << "healthgate status: " << sentence << std::endl;
    printed_.clear(); // so that each gate is told anew afterwards
  }
}

void StatusWatch::on_beat() {
  if (!client_) {
    connect();
  } else if (loop_.now().mono - heard_ > quiet_limit) {
    tell("the daemon at " + socket_.string() + " has sent nothing for some seconds; it may be stuck");
  }
  loop_.at(loop_.now().mono + beat, [this] { on_beat(); });
}

void StatusWatch::on_signal(int number) {
  if (number == SIGTSTP && screen_) {
    screen_->suspend();
  } else if (number == SIGTSTP) {
    (void)::raise(SIGSTOP); // returns when continued
  } else if (number != SIGWINCH) {
    end(exit_done);
    return;
  }
  if (screen_) {
    show();
  }
}

void StatusWatch::end(int code) {
  loop_.exit(code);
}

} // namespace healthgate::app
