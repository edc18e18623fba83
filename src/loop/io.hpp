// Watch of a file descriptor.
#pragma once

#include "loop/event_loop.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <sys/epoll.h>

namespace healthgate::loop {

enum class Repeat {
  always, // level-triggered: called for as long as the descriptor is ready
  once,   // disabled before the call, until enable()
};

// Calls back when one of `events` (EPOLLIN, EPOLLOUT, ...; EPOLLERR and EPOLLHUP always) is there. The
// descriptor stays the caller's and must be open until the watch is destroyed or disabled; one watch per
// descriptor and loop. A default-constructed or moved-from watch watches nothing.
class IoWatch {
public:
  using Callback = std::function<void(std::uint32_t revents)>;

  IoWatch() = default;
  // Enabled from the start. Throws std::system_error: EPERM (a file that cannot be polled), EEXIST (watched
  // already), ENOSPC (fs.epoll.max_user_watches).
  IoWatch(EventLoop& loop, int fd, std::uint32_t events, Callback callback,
          Priority priority = Priority::normal, Repeat repeat = Repeat::always);
  IoWatch(IoWatch&& other) noexcept = default;
  IoWatch& operator=(IoWatch&& other) noexcept;
  ~IoWatch();

  [[nodiscard]] bool valid() const { return state_ != nullptr; }
  [[nodiscard]] bool enabled() const;
  void set_events(std::uint32_t events); // also takes effect while disabled
  void enable();
  void disable(); // the descriptor leaves the kernel's epoll set, so that it may be closed or shut down

private:
  struct State;
  static int on_io(sd_event_source* source, int fd, std::uint32_t revents, void* userdata) noexcept;
  void end() noexcept;

  std::shared_ptr<State> state_;
};

} // namespace healthgate::loop
