#include "loop/signal.hpp"

#include <cerrno>
#include <pthread.h>
#include <sys/signalfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace healthgate::loop {
namespace {

void mask(int how, const sigset_t& set, sigset_t* before) {
  const int error = ::pthread_sigmask(how, &set, before);
  if (error != 0) {
    throw std::system_error(error, std::generic_category(), "pthread_sigmask");
  }
}

} // namespace

SignalWatch::SignalWatch(EventLoop& loop, const std::vector<int>& signals, Callback callback) {
  sigset_t set;
  (void)sigemptyset(&set); // cannot fail
  for (const int number : signals) {
    if (sigaddset(&set, number) != 0) {
      throw std::system_error(errno, std::generic_category(), "sigaddset");
    }
  }
  mask(SIG_BLOCK, set, &before_);
  fd_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd_.valid()) {
    const int error = errno;
    mask(SIG_SETMASK, before_, nullptr);
    throw std::system_error(error, std::generic_category(), "signalfd");
  }
  const int fd = fd_.get();
  watch_ = IoWatch(
      loop, fd, EPOLLIN,
      [fd, call = std::move(callback)](std::uint32_t) {
        signalfd_siginfo info{};
        if (::read(fd, &info, sizeof info) == sizeof info) { // one a turn; level-triggered
          call({static_cast<int>(info.ssi_signo), static_cast<pid_t>(info.ssi_pid), info.ssi_uid});
        }
      },
      Priority::deciding);
}

SignalWatch::~SignalWatch() {
  watch_ = IoWatch();
  (void)::pthread_sigmask(SIG_SETMASK, &before_, nullptr); // fails only for a bad `how`
}

} // namespace healthgate::loop
