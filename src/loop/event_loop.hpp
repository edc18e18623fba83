// The loop of the deciding thread: waits for events and calls back, one callback at a time. Everything in
// this folder belongs to the thread that runs the loop, except stalled_for(). A callback may destroy any
// watch, itself included, and must not throw: an exception that leaves it ends the process. Watches end
// before their loop does.
#pragma once

#include "core/ports.hpp"
#include "loop/source.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace healthgate::loop {

class EventLoop final : public core::Timers {
public:
  EventLoop(); // throws std::system_error
  ~EventLoop() override;
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  // Handles events until exit() is called, and returns its code. May be called again afterwards.
  int run();
  // Ends run() after the callback that is running now; the first code given wins.
  void exit(int code);
  // Waits for one event, `longest` at most, and handles it. False when none came. For tests and short waits
  // at the end of life; run() is this in a loop.
  bool run_once(core::Duration longest);

  // Time at which the loop woke: the same throughout a callback, however long it takes. Outside of callbacks,
  // the time of the call. Microsecond resolution.
  [[nodiscard]] core::Now now() const override;
  // One-shot timer on CLOCK_MONOTONIC. Fires never early, and as soon as the kernel's timer slack allows:
  // sd-event is asked for 1 us in place of its default of 250 ms. One that is due already fires in the next
  // iteration.
  Id at(core::TimePoint when, std::function<void()> call) override;
  void cancel(Id id) override;

  // Called after every callback of an event, in the same iteration. One hook; an empty function removes it.
  void on_iteration(std::function<void()> hook);

  // For how long the loop has been inside callbacks since it last waited for events; zero while it waits. The
  // only member for other threads: /livez and the committer tell a busy loop from a stuck one by it.
  [[nodiscard]] core::Duration stalled_for() const noexcept;

  // Feeds systemd's watchdog from this loop between one half and three quarters of its period, so that a
  // stuck loop is restarted. False when the unit has no WatchdogSec=.
  bool feed_watchdog();

  // Keeps an object alive until drop() or the end of the loop; for what must finish after its owner has gone.
  void keep(std::shared_ptr<void> object);
  void drop(const void* object);

  // For this folder alone.
  [[nodiscard]] sd_event* native() const { return event_.get(); }

private:
  struct Timer;
  static int on_timer(sd_event_source* source, std::uint64_t usec, void* userdata) noexcept;
  static void unref(sd_event* event) noexcept;

  base::CPtr<sd_event, unref> event_;
  std::unordered_map<Id, std::unique_ptr<Timer>> timers_;
  Id last_id_ = 0;
  std::unordered_map<const void*, std::shared_ptr<void>> kept_;
  std::function<void()> hook_;
  std::optional<int> exit_code_;
  bool dispatching_ = false;
  std::atomic<std::int64_t> woke_ns_{0}; // CLOCK_MONOTONIC; 0 while waiting for events
};

} // namespace healthgate::loop
