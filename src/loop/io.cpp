#include "loop/io.hpp"

#include <systemd/sd-event.h>
#include <utility>

namespace healthgate::loop {

struct IoWatch::State : std::enable_shared_from_this<State> {
  Callback callback;
  SourcePtr source;
  Repeat repeat = Repeat::always;
};

IoWatch::IoWatch(EventLoop& loop, int fd, std::uint32_t events, Callback callback, Priority priority,
                 Repeat repeat)
    : state_(std::make_shared<State>()) {
  state_->callback = std::move(callback);
  state_->repeat = repeat;
  sd_event_source* source = nullptr;
  check(sd_event_add_io(loop.native(), &source, fd, events, on_io, state_.get()), "watch a descriptor");
  state_->source.reset(source);
  check(sd_event_source_set_priority(source, rank(priority)), "sd_event_source_set_priority");
  if (repeat == Repeat::once) {
    check(sd_event_source_set_enabled(source, SD_EVENT_ONESHOT), "sd_event_source_set_enabled");
  }
}

IoWatch& IoWatch::operator=(IoWatch&& other) noexcept {
  if (this != &other) {
    end();
    state_ = std::move(other.state_);
  }
  return *this;
}

IoWatch::~IoWatch() {
  end();
}

void IoWatch::end() noexcept {
  if (state_) {
    state_->source.reset();
    state_.reset();
  }
}

int IoWatch::on_io(sd_event_source* /*source*/, int /*fd*/, std::uint32_t revents, void* userdata) noexcept {
  auto* const state = static_cast<State*>(userdata);
  // The callback may destroy its watch: the function that runs must not go with it.
  const auto alive = state->shared_from_this();
  alive->callback(revents);
  return 0;
}

bool IoWatch::enabled() const {
  int state = SD_EVENT_OFF;
  return state_ && sd_event_source_get_enabled(state_->source.get(), &state) >= 0 && state != SD_EVENT_OFF;
}

void IoWatch::set_events(std::uint32_t events) {
  check(sd_event_source_set_io_events(state_->source.get(), events), "sd_event_source_set_io_events");
}

void IoWatch::enable() {
  check(sd_event_source_set_enabled(state_->source.get(),
                                    state_->repeat == Repeat::once ? SD_EVENT_ONESHOT : SD_EVENT_ON),
        "watch a descriptor again");
}

void IoWatch::disable() {
  check(sd_event_source_set_enabled(state_->source.get(), SD_EVENT_OFF), "sd_event_source_set_enabled");
}

} // namespace healthgate::loop
