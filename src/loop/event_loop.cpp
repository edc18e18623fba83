#include "loop/event_loop.hpp"

#include <cassert>
#include <cstdlib>
#include <string>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>
#include <utility>

namespace healthgate::loop {
namespace {

using std::chrono::microseconds;

std::int64_t monotonic_ns() {
  return std::chrono::duration_cast<core::Duration>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

// Rounded up: a timer that fires a fraction of a microsecond early would break "never early".
std::uint64_t to_usec(core::TimePoint when) {
  const auto usec = std::chrono::ceil<microseconds>(when.time_since_epoch()).count();
  return usec < 0 ? 0 : static_cast<std::uint64_t>(usec);
}

} // namespace

struct EventLoop::Timer {
  EventLoop* loop = nullptr;
  Id id = 0;
  std::function<void()> call;
  SourcePtr source;
};

void EventLoop::unref(sd_event* event) noexcept {
  (void)sd_event_unref(event); // returns null, always
}

EventLoop::EventLoop() {
  sd_event* event = nullptr;
  check(sd_event_new(&event), "sd_event_new");
  event_.reset(event);
}

EventLoop::~EventLoop() = default;

int EventLoop::run() {
  exit_code_.reset();
  while (!exit_code_) {
    // Without a limit: exit() is called from a callback, so an event precedes it.
    (void)run_once(core::Duration::max());
  }
  return *exit_code_;
}

void EventLoop::exit(int code) {
  if (!exit_code_) {
    exit_code_ = code;
  }
}

bool EventLoop::run_once(core::Duration longest) {
  assert(!dispatching_);
  auto ready = check(sd_event_prepare(event_.get()), "sd_event_prepare");
  if (ready == 0) {
    woke_ns_.store(0, std::memory_order_relaxed);
    const auto usec = longest == core::Duration::max()
                          ? UINT64_MAX
                          : static_cast<std::uint64_t>(std::chrono::ceil<microseconds>(longest).count());
    ready = check(sd_event_wait(event_.get(), usec), "sd_event_wait");
  }
  woke_ns_.store(monotonic_ns(), std::memory_order_relaxed);
  if (ready > 0) {
    dispatching_ = true;
    check(sd_event_dispatch(event_.get()), "sd_event_dispatch");
    dispatching_ = false;
    if (hook_) {
      hook_();
    }
  }
  woke_ns_.store(0, std::memory_order_relaxed);
  return ready > 0;
}

core::Now EventLoop::now() const {
  core::Now now;
  if (!dispatching_) {
    now.mono = core::TimePoint(core::Duration(monotonic_ns()));
    now.wall = std::chrono::time_point_cast<core::Duration>(std::chrono::system_clock::now());
    return now;
  }
  std::uint64_t mono = 0;
  std::uint64_t wall = 0;
  check(sd_event_now(event_.get(), CLOCK_MONOTONIC, &mono), "sd_event_now");
  check(sd_event_now(event_.get(), CLOCK_REALTIME, &wall), "sd_event_now");
  now.mono = core::TimePoint(microseconds(mono));
  now.wall = core::WallTime(microseconds(wall));
  return now;
}

int EventLoop::on_timer(sd_event_source* /*source*/, std::uint64_t /*usec*/, void* userdata) noexcept {
  auto* const timer = static_cast<Timer*>(userdata);
  auto* const loop = timer->loop;
  // Out of the table first: the call may set and cancel timers, this one included.
  const auto node = loop->timers_.extract(timer->id);
  node.mapped()->call();
  return 0;
}

core::Timers::Id EventLoop::at(core::TimePoint when, std::function<void()> call) {
  auto timer = std::make_unique<Timer>();
  timer->loop = this;
  timer->id = ++last_id_;
  timer->call = std::move(call);
  sd_event_source* source = nullptr;
  check(sd_event_add_time(event_.get(), &source, CLOCK_MONOTONIC, to_usec(when), 1, on_timer, timer.get()),
        "sd_event_add_time");
  timer->source.reset(source);
  check(sd_event_source_set_priority(source, rank(Priority::deciding)), "sd_event_source_set_priority");
  const auto id = timer->id;
  timers_.emplace(id, std::move(timer));
  return id;
}

void EventLoop::cancel(Id id) {
  timers_.erase(id);
}

void EventLoop::on_iteration(std::function<void()> hook) {
  hook_ = std::move(hook);
}

core::Duration EventLoop::stalled_for() const noexcept {
  const auto woke = woke_ns_.load(std::memory_order_relaxed);
  return woke == 0 ? core::Duration::zero() : core::Duration(monotonic_ns() - woke);
}

bool EventLoop::feed_watchdog() {
  return check(sd_event_set_watchdog(event_.get(), 1), "sd_event_set_watchdog") > 0;
}

void EventLoop::keep(std::shared_ptr<void> object) {
  const void* const key = object.get();
  kept_.emplace(key, std::move(object));
}

void EventLoop::drop(const void* object) {
  kept_.erase(object);
}

} // namespace healthgate::loop
