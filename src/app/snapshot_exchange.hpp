// Hands snapshots from the deciding thread to threads that serve people. A server asks and waits a moment;
// the loop makes one snapshot for all that asked meanwhile. A loop that is stuck does not hold the server: it
// gets the last one, whose age then tells the story.
#pragma once

#include "base/unique_fd.hpp"
#include "core/snapshot.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

namespace healthgate::app {

class SnapshotExchange {
public:
  using Make = std::function<core::Snapshot()>;

  // `make` is called on the loop's thread. Throws std::system_error.
  SnapshotExchange(loop::EventLoop& loop, Make make);
  SnapshotExchange(const SnapshotExchange&) = delete;
  SnapshotExchange& operator=(const SnapshotExchange&) = delete;

  // For any thread but the loop's: a snapshot made after this call, or the last one after `patience`. Null
  // only when none has ever been made.
  [[nodiscard]] std::shared_ptr<const core::Snapshot> get(std::chrono::milliseconds patience);
  // For any thread but the loop's: asks, and does not wait.
  void ask();
  // For how long the loop has owed an answer to a question; zero while it owes none. Tells of a loop that
  // stands still wherever it does, which EventLoop::stalled_for() cannot while the loop waits for events.
  [[nodiscard]] core::Duration unanswered_for() const;

private:
  using Clock = std::chrono::steady_clock;

  std::uint64_t ask_locked(); // the question's number
  void on_asked();

  Make make_;
  base::UniqueFd asked_;     // eventfd
  mutable std::mutex mutex_; // guards what follows, but for the watch
  std::condition_variable made_;
  std::uint64_t asked_count_ = 0;
  std::uint64_t answered_ = 0;                  // the newest question that came before `latest_` was begun
  std::optional<Clock::time_point> owed_since_; // while a question is not answered
  std::shared_ptr<const core::Snapshot> latest_;
  loop::IoWatch watch_;
};

} // namespace healthgate::app
