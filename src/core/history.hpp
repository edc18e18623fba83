// The last transitions of one gate, the oldest forgotten first. Pure.
#pragma once

#include "core/snapshot.hpp"

#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

namespace healthgate::core {

class History {
public:
  explicit History(std::size_t limit) : limit_(limit) {}

  void add(TransitionSnapshot transition) {
    transitions_.push_front(std::move(transition));
    if (transitions_.size() > limit_) {
      transitions_.pop_back();
    }
  }
  // The latest, to complete it when its commit is proven; none before the first.
  [[nodiscard]] TransitionSnapshot* latest() {
    return transitions_.empty() ? nullptr : &transitions_.front();
  }
  [[nodiscard]] const TransitionSnapshot* latest() const {
    return transitions_.empty() ? nullptr : &transitions_.front();
  }
  [[nodiscard]] std::vector<TransitionSnapshot> newest_first() const {
    return {transitions_.begin(), transitions_.end()};
  }

private:
  std::size_t limit_;
  std::deque<TransitionSnapshot> transitions_; // newest first
};

} // namespace healthgate::core
