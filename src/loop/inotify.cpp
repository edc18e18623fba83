#include "loop/inotify.hpp"

#include "base/unique_fd.hpp"
#include "loop/io.hpp"

#include <array>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <map>
#include <set>
#include <string_view>
#include <sys/inotify.h>
#include <unistd.h>
#include <utility>

namespace healthgate::loop {
namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40; // as the kernel's own limit (path_resolution(7))

constexpr std::uint32_t entry_events =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::uint32_t target_events = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF |
                                        IN_MOVE_SELF | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

std::deque<std::string> parts_of(const fs::path& path) {
  std::deque<std::string> parts;
  for (const auto& part : path) {
    if (!part.empty() && part != "." && part != "/") {
      parts.push_back(part.string());
    }
  }
  return parts;
}

} // namespace

class PathWatch::State : public std::enable_shared_from_this<State> {
public:
  State(EventLoop& loop, fs::path path, Callback changed, core::Duration settle)
      : loop_(loop), path_(std::move(path)), changed_(std::move(changed)), settle_(settle) {}

  void begin() {
    fd_.reset(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!fd_) {
      error_ = errno;
      return;
    }
    rescan();
    io_ = IoWatch(loop_, fd_.get(), EPOLLIN, [this](std::uint32_t) { drain(); });
  }

  void end() {
    io_ = IoWatch();
    loop_.cancel(std::exchange(timer_, 0));
    changed_ = nullptr;
    fd_.reset();
  }

  [[nodiscard]] int error() const { return error_; }

private:
  // Walks the path as the kernel does, watching in each directory the one name that leads on, and at the end
  // the target itself. What is missing ends the walk: its coming is an event of the directory above.
  void rescan() {
    for (const auto& [descriptor, names] : watched_) {
      (void)::inotify_rm_watch(fd_.get(), descriptor); // one whose inode has gone is removed already
    }
    watched_.clear();
    error_ = 0;
    auto left = parts_of(path_);
    fs::path at = "/";
    int links = 0;
    while (!left.empty()) {
      const auto name = left.front();
      left.pop_front();
      if (name == "..") {
        at = at.parent_path();
        continue;
      }
      if (!watch_entry(at, name)) {
        return;
      }
      std::error_code problem;
      const auto target = fs::read_symlink(at / name, problem);
      if (problem) { // no link, or nothing at all
        at /= name;
        continue;
      }
      if (++links > most_links) {
        error_ = ELOOP;
        return;
      }
      if (target.is_absolute()) {
        at = "/";
      }
      const auto parts = parts_of(target);
      left.insert(left.begin(), parts.begin(), parts.end());
    }
    const int descriptor = ::inotify_add_watch(fd_.get(), at.c_str(), target_events | IN_MASK_ADD);
    if (descriptor >= 0) {
      watched_[descriptor].insert(""); // any event of it
    } else if (errno != ENOENT && errno != ENOTDIR) {
      error_ = errno;
    }
  }

  // False when the walk ends here.
  bool watch_entry(const fs::path& directory, const std::string& name) {
    const int descriptor = ::inotify_add_watch(fd_.get(), directory.c_str(), entry_events | IN_MASK_ADD);
    if (descriptor >= 0) {
      watched_[descriptor].insert(name);
      return true;
    }
    if (errno == EACCES) {
      error_ = EACCES; // what lies behind may still be watched
      return true;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
      error_ = errno;
    }
    return false;
  }

  void drain() {
    alignas(inotify_event) std::array<char, 16 * 1024> buffer{};
    bool relevant = false;
    while (true) {
      const auto length = ::read(fd_.get(), buffer.data(), buffer.size());
      if (length <= 0) {
        break;
      }
      for (const char* at = buffer.data(); at < buffer.data() + length;) {
        const auto& event = *reinterpret_cast<const inotify_event*>(at);
        relevant = relevant || concerns(event);
        at += sizeof event + event.len;
      }
    }
    if (relevant && timer_ == 0) {
      timer_ = loop_.at(loop_.now().mono + settle_, [state = weak_from_this()] {
        if (const auto self = state.lock()) {
          self->report();
        }
      });
    }
  }

  [[nodiscard]] bool concerns(const inotify_event& event) const {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      return true;
    }
    if ((event.mask & IN_IGNORED) != 0) {
      return false; // of a watch that rescan() has removed, or told by its inode's end already
    }
    const auto watch = watched_.find(event.wd);
    if (watch == watched_.end()) {
      return false;
    }
    const std::string_view name = event.len == 0 ? "" : event.name;
    return name.empty() || watch->second.count("") != 0 || watch->second.count(std::string(name)) != 0;
  }

  void report() {
    timer_ = 0;
    rescan(); // first: what is read then is at least as new as any event before
    const auto call = changed_;
    if (call) {
      call();
    }
  }

  EventLoop& loop_;
  const fs::path path_;
  Callback changed_;
  const core::Duration settle_;
  base::UniqueFd fd_;
  std::map<int, std::set<std::string>> watched_; // watch descriptor -> names, "" for all
  int error_ = 0;
  core::Timers::Id timer_ = 0;
  IoWatch io_;
};

PathWatch::PathWatch(EventLoop& loop, const std::string& path, Callback changed, core::Duration settle)
    : state_(std::make_shared<State>(loop, fs::absolute(path), std::move(changed), settle)) {
  state_->begin();
}

PathWatch& PathWatch::operator=(PathWatch&& other) noexcept {
  if (this != &other) {
    end();
    state_ = std::move(other.state_);
  }
  return *this;
}

PathWatch::~PathWatch() {
  end();
}

void PathWatch::end() noexcept {
  if (state_) {
    state_->end();
    state_.reset();
  }
}

int PathWatch::error() const {
  return state_ ? state_->error() : 0;
}

} // namespace healthgate::loop
