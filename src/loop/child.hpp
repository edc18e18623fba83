// Ends of processes as events, by pidfd (kernel 5.3): no SIGCHLD handler, no race with a reused pid.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "loop/io.hpp"

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>

namespace healthgate::loop {

struct ExitStatus {
  int code = 0;   // of exit(3); meaningless when a signal ended it
  int signal = 0; // 0: it ended by itself

  [[nodiscard]] bool success() const { return signal == 0 && code == 0; }
  [[nodiscard]] std::string to_string() const; // "exit status 3", "killed by signal 9 (Killed)"
};

// Reaps one child of ours and tells how it ended. Nobody else may wait for it. A watch that is destroyed
// first kills nothing and calls nothing, but the loop still reaps the child, so that no zombie stays.
class ChildWatch {
public:
  using Callback = std::function<void(const ExitStatus&)>;

  ChildWatch() = default;
  // Throws std::system_error: no such child, no pidfd_open in this kernel, or no free descriptor.
  ChildWatch(EventLoop& loop, pid_t child, Callback callback);
  ChildWatch(ChildWatch&& other) noexcept = default;
  ChildWatch& operator=(ChildWatch&& other) noexcept;
  ~ChildWatch();

  [[nodiscard]] bool running() const; // not yet reaped

private:
  struct State;
  void leave_to_loop() noexcept;

  std::shared_ptr<State> state_;
};

// Tells when any process, child or not, has ended. A process that this user may not signal can be watched
// too.
class ProcessWatch {
public:
  using Callback = std::function<void()>;

  ProcessWatch() = default;
  // The error is an errno: ESRCH when there is no such process, ENOSYS on a kernel without pidfd_open.
  // `callback` is called once, never from inside this function.
  static base::Result<ProcessWatch, int> start(EventLoop& loop, pid_t pid, Callback callback);
  // The same for a pidfd that the caller has already.
  static ProcessWatch from_pidfd(EventLoop& loop, base::UniqueFd pidfd, Callback callback);

private:
  base::UniqueFd pidfd_;
  IoWatch watch_;
};

} // namespace healthgate::loop
