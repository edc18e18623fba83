#include "loop/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace healthgate::loop {
namespace {

// glibc has a wrapper since 2.36 only.
base::UniqueFd open_pidfd(pid_t pid) {
  return base::UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

} // namespace

std::string ExitStatus::to_string() const {
  if (signal == 0) {
    return "exit status " + std::to_string(code);
  }
  const char* const name = ::strsignal(signal);
  return "killed by signal " + std::to_string(signal) +
         (name == nullptr ? "" : " (" + std::string(name) + ")");
}

struct ChildWatch::State {
  EventLoop* loop = nullptr;
  pid_t child = 0;
  Callback callback;
  bool running = true;
  base::UniqueFd pidfd;
  IoWatch watch;

  void reap() {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOHANG) == 0 && info.si_pid == 0) {
      return; // not yet
    }
    running = false;
    watch = IoWatch();
    pidfd.reset();
    ExitStatus status;
    if (info.si_code == CLD_EXITED) {
      status.code = info.si_status;
    } else {
      status.signal = info.si_status;
    }
    const auto call = std::exchange(callback, nullptr);
    loop->drop(this);
    if (call) {
      call(status);
    }
  }
};

ChildWatch::ChildWatch(EventLoop& loop, pid_t child, Callback callback) : state_(std::make_shared<State>()) {
  state_->loop = &loop;
  state_->child = child;
  state_->callback = std::move(callback);
  state_->pidfd = open_pidfd(child);
  if (!state_->pidfd) {
    throw std::system_error(errno, std::generic_category(), "pidfd_open");
  }
  state_->watch = IoWatch(
      loop, state_->pidfd.get(), EPOLLIN,
      [state = std::weak_ptr<State>(state_)](std::uint32_t) {
        if (const auto alive = state.lock()) {
          alive->reap();
        }
      },
      Priority::deciding);
}

ChildWatch& ChildWatch::operator=(ChildWatch&& other) noexcept {
  if (this != &other) {
    leave_to_loop();
    state_ = std::move(other.state_);
  }
  return *this;
}

ChildWatch::~ChildWatch() {
  leave_to_loop();
}

void ChildWatch::leave_to_loop() noexcept {
  if (state_ && state_->running) {
    state_->callback = nullptr;
    state_->loop->keep(state_);
  }
  state_.reset();
}

bool ChildWatch::running() const {
  return state_ && state_->running;
}

base::Result<ProcessWatch, int> ProcessWatch::start(EventLoop& loop, pid_t pid, Callback callback) {
  auto pidfd = open_pidfd(pid);
  if (!pidfd) {
    return base::Failure{int{errno}};
  }
  return from_pidfd(loop, std::move(pidfd), std::move(callback));
}

ProcessWatch ProcessWatch::from_pidfd(EventLoop& loop, base::UniqueFd pidfd, Callback callback) {
  ProcessWatch watch;
  watch.pidfd_ = std::move(pidfd);
  // Once: a pidfd stays readable for ever.
  watch.watch_ = IoWatch(
      loop, watch.pidfd_.get(), EPOLLIN, [call = std::move(callback)](std::uint32_t) { call(); },
      Priority::deciding, Repeat::once);
  return watch;
}

} // namespace healthgate::loop
