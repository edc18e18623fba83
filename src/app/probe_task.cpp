#include "app/probe_task.hpp"

#include "base/log.hpp"

#include <utility>

namespace healthgate::app {
namespace {

constexpr std::size_t recent_limit = 60;
constexpr core::Duration urgent_pause = std::chrono::milliseconds(1);

core::Schedule::Terms terms_of(const config::GateConfig& gate, const config::ProbeConfig& probe) {
  core::Schedule::Terms terms;
  terms.interval = probe.interval.value_or(gate.interval);
  terms.fast_interval = std::min<core::Duration>(gate.fast_interval, terms.interval);
  terms.down_interval =
      gate.down_interval.value_or(std::chrono::duration_cast<config::milliseconds>(terms.interval));
  terms.jitter_percent = gate.jitter_percent;
  return terms;
}

core::Histogram duration_histogram() {
  return core::Histogram({0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0});
}

bool is_gone(const core::ProbeResult& result) {
  return !result.passed &&
         (result.failure == core::FailureClass::refused || result.failure == core::FailureClass::reset);
}

} // namespace

ProbeTask::ProbeTask(const config::GateConfig& gate, const config::ProbeConfig& probe,
                     probe::Context& context, Random random, Judge judge)
    : loop_(context.loop), random_(std::move(random)), judge_(std::move(judge)),
      schedule_(terms_of(gate, probe), loop_.now().mono, random_()),
      prober_(probe::make_prober(probe, probe.timeout.value_or(gate.timeout), context)),
      urgent_limit_(probe.fall.value_or(gate.fall)) {
  snapshot_.name = probe.name;
  snapshot_.url = probe.url;
  snapshot_.soft = probe.soft;
  snapshot_.duration = duration_histogram();
  prober_->on_hint([this](const std::string& why) {
    base::log::debug("probe " + snapshot_.name + ": probed at once: " + why, {{"probe", snapshot_.name}});
    hint();
  });
}

ProbeTask::~ProbeTask() {
  loop_.cancel(timer_);
  prober_->cancel();
}

void ProbeTask::start() {
  schedule(schedule_.due());
}

void ProbeTask::probe_now() {
  if (running_) {
    again_ = true;
    return;
  }
  loop_.cancel(std::exchange(timer_, 0));
  schedule_.started(loop_.now().mono);
  begin();
}

void ProbeTask::hint() {
  urgent_ = urgent_limit_;
  probe_now();
}

void ProbeTask::on_next_result(std::function<void(const core::ProbeResult&)> call) {
  waiting_.push_back(std::move(call));
}

void ProbeTask::schedule(core::TimePoint when) {
  loop_.cancel(timer_);
  timer_ = loop_.at(when, [this] {
    timer_ = 0;
    begin();
  });
}

void ProbeTask::begin() {
  running_ = true;
  prober_->start([this](const core::ProbeResult& result) { ended(result); });
}

void ProbeTask::ended(const core::ProbeResult& result) {
  running_ = false;
  remember(result);
  const auto pace = judge_(result);
  for (const auto& call : std::exchange(waiting_, {})) {
    call(result);
  }
  const auto now = loop_.now().mono;
  const auto next = schedule_.next(pace, now, random_());
  urgent_ = is_gone(result) && pace == core::Schedule::Pace::fast && urgent_ > 0 ? urgent_ - 1 : 0;
  if (std::exchange(again_, false)) {
    schedule(now);
  } else {
    schedule(urgent_ > 0 ? std::min(next, now + urgent_pause) : next);
  }
}

void ProbeTask::remember(const core::ProbeResult& result) {
  snapshot_.duration.observe(std::chrono::duration<double>(result.took).count());
  if (!result.passed) {
    ++snapshot_.failures[result.failure];
  }
  snapshot_.last = result;
  recent_.push_back(result);
  recent_.back().steps.clear();
  if (recent_.size() > recent_limit) {
    recent_.pop_front();
  }
}

std::vector<core::ProbeResult> ProbeTask::recent(std::size_t count) const {
  return {recent_.end() - static_cast<std::ptrdiff_t>(std::min(count, recent_.size())), recent_.end()};
}

core::ProbeSnapshot ProbeTask::snapshot() const {
  auto snapshot = snapshot_;
  snapshot.recent.assign(recent_.begin(), recent_.end());
  return snapshot;
}

} // namespace healthgate::app
