// Hands snapshots from the deciding thread to threads that serve people. A server asks and waits a moment;
// the loop makes one snapshot for all that asked meanwhile. A loop that is stuck does not hold the server: it
// gets the last one, whose age then tells the story.
#pragma once

#include "base/unique_fd.hpp"
#include "core/snapshot.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

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

private:
  void on_asked();

  Make make_;
  base::UniqueFd asked_; // eventfd
  std::mutex mutex_;     // guards what follows, but for the watch
  std::condition_variable made_;
  std::uint64_t asked_count_ = 0;
  std::uint64_t answered_ = 0; // the newest question that came before `latest_` was begun
  std::shared_ptr<const core::Snapshot> latest_;
  loop::IoWatch watch_;
};

} // namespace healthgate::app
