// What tests of this folder share: a loop that runs until something is so, a directory of their own, a child.
#pragma once

#include "loop/event_loop.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace healthgate::probe {

// Runs `loop` until `condition` holds; false when it does not within 5 s.
inline bool run_until(loop::EventLoop& loop, const std::function<bool()>& condition,
                      core::Duration longest = std::chrono::seconds(5)) {
  const auto end = std::chrono::steady_clock::now() + longest;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) {
      return false;
    }
    (void)loop.run_once(std::chrono::milliseconds(20));
  }
  return true;
}

// Runs `loop` until it has had nothing to do for `quiet`.
inline void run_until_quiet(loop::EventLoop& loop, core::Duration quiet = std::chrono::milliseconds(150)) {
  while (loop.run_once(quiet)) {
  }
}

class TempDir {
public:
  TempDir() {
    std::string name = std::filesystem::temp_directory_path() / "healthgate-unit-XXXXXX";
    path_ = ::mkdtemp(name.data()) == nullptr ? "" : name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }
  // Replaces the file by rename(2), as careful writers do.
  std::filesystem::path write(const std::string& name, const std::string& text) const {
    const auto path = path_ / name;
    std::ofstream(path.string() + ".new") << text;
    std::filesystem::rename(path.string() + ".new", path);
    return path;
  }

private:
  std::filesystem::path path_;
};

// A process that does nothing. It is killed, and reaped, at the end of its scope at the latest.
class Child {
public:
  Child() : pid_(::fork()) {
    if (pid_ == 0) {
      for (;;) {
        ::pause();
      }
    }
  }
  ~Child() {
    kill();
    reap();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  void kill() const { ::kill(pid_, SIGKILL); } // a zombie until reap()
  void reap() {
    if (!std::exchange(reaped_, true)) {
      ::waitpid(pid_, nullptr, 0);
    }
  }

private:
  pid_t pid_;
  bool reaped_ = false;
};

} // namespace healthgate::probe
