#include "app/ruleset_publisher.hpp"

namespace healthgate::app {

RulesetPublisher::RulesetPublisher(core::Timers& timers, core::RulesetStore& store, Build build)
    : timers_(timers), store_(store), build_(std::move(build)) {}

RulesetPublisher::~RulesetPublisher() {
  timers_.cancel(timer_);
}

std::uint64_t RulesetPublisher::request() {
  if (timer_ == 0) {
    ++revision_;
    timer_ = timers_.at(timers_.now().mono, [this] { publish(); });
  }
  return revision_;
}

void RulesetPublisher::flush() {
  if (timer_ != 0) {
    timers_.cancel(timer_);
    publish();
  }
}

void RulesetPublisher::publish() {
  timer_ = 0;
  store_.apply(std::make_shared<const core::Ruleset>(build_(revision_)));
}

} // namespace healthgate::app
