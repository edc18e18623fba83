// Watch of a path, by inotify(7).
#pragma once

#include "loop/event_loop.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace healthgate::loop {

// Says that what a path leads to may have changed: content, attributes, its replacement by rename, its coming
// and going, and any change of a directory or symbolic link on the way to it, as when Kubernetes swaps
// `..data`. The path need not exist. A directory as the target tells of its entries too.
class PathWatch {
public:
  using Callback = std::function<void()>;

  PathWatch() = default;
  // `changed` comes `settle` after the first of a series of events, once for all of them, and never from
  // inside this constructor; what is read then is at least as new as any event before it. It may come without
  // need. A relative path is taken from the working directory of now. Nothing throws: see error().
  PathWatch(EventLoop& loop, const std::string& path, Callback changed,
            core::Duration settle = std::chrono::milliseconds(50));
  PathWatch(PathWatch&& other) noexcept = default;
  PathWatch& operator=(PathWatch&& other) noexcept;
  ~PathWatch();

  // 0, or the errno that keeps a step of the path from being watched: EACCES, ENOSPC (fs.inotify limits),
  // ELOOP. Then changes behind that step are not seen, and the caller may want to poll. A path that does not
  // exist (yet) is no error.
  [[nodiscard]] int error() const;

private:
  class State;
  void end() noexcept;

  std::shared_ptr<State> state_;
};

} // namespace healthgate::loop
