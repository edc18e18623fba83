#include "app/stranger_log.hpp"

#include <iterator>
#include <utility>

namespace healthgate::app {

std::vector<StrangerLog::Line> StrangerLog::news(const std::vector<core::Address>& asking,
                                                 core::TimePoint now) {
  forget_the_silent(now);
  std::vector<Line> lines;
  for (const auto& address : asking) {
    if (const auto found = known_.find(address); found != known_.end()) {
      found->second = now;
      continue;
    }
    if (known_.size() >= most_remembered || said_.size() >= burst) {
      ++unsaid_;
    } else {
      said_.push_back(now);
      lines.push_back({address, std::exchange(unsaid_, 0)});
    }
    if (known_.size() < most_remembered) {
      known_.emplace(address, now);
    }
  }
  return lines;
}

void StrangerLog::forget_the_silent(core::TimePoint now) {
  for (auto one = known_.begin(); one != known_.end();) {
    one = now - one->second >= forget ? known_.erase(one) : std::next(one);
  }
  while (!said_.empty() && now - said_.front() >= window) {
    said_.pop_front();
  }
}

} // namespace healthgate::app
