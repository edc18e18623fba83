// Signals as events, by signalfd(2).
#pragma once

#include "base/unique_fd.hpp"
#include "loop/io.hpp"

#include <csignal>
#include <functional>
#include <sys/types.h>
#include <vector>

namespace healthgate::loop {

struct Signal {
  int number = 0;
  pid_t sender = 0; // 0: the kernel, or a process outside of our PID namespace
  uid_t user = 0;   // of the sender
};

// Blocks `signals` in the calling thread and takes them from a signalfd. Create it before any other thread,
// which inherits the mask; a thread that does not block them could still die of one. A program that is
// started with exec inherits the mask as well: reset it in the child (posix_spawnattr_setsigmask).
// Destruction restores the mask of before.
class SignalWatch {
public:
  using Callback = std::function<void(const Signal&)>;

  SignalWatch(EventLoop& loop, const std::vector<int>& signals,
              Callback callback); // throws std::system_error
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;
  ~SignalWatch();

private:
  sigset_t before_{};
  base::UniqueFd fd_;
  IoWatch watch_;
};

} // namespace healthgate::loop
