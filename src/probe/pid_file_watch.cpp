#include "probe/pid_file_watch.hpp"

#include "base/unique_fd.hpp"
#include "probe/printable.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace healthgate::probe {
namespace {

constexpr pid_t pid_limit = 1 << 22; // PID_MAX_LIMIT, proc(5)
constexpr std::size_t shown_chars = 20;

std::string error_text(int error) {
  return std::generic_category().message(error);
}

// The file's beginning, which is all that counts. O_NONBLOCK: a FIFO must not hold the loop.
base::Result<std::string, int> read_beginning(const std::filesystem::path& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  std::array<char, 64> buffer{};
  const auto count = fd ? ::read(fd.get(), buffer.data(), buffer.size()) : -1;
  if (count < 0) {
    return base::Failure{int{errno}};
  }
  return std::string(buffer.data(), static_cast<std::size_t>(count));
}

} // namespace

base::Result<pid_t, std::string> parse_pid_file(std::string_view content) {
  constexpr std::string_view blank = " \t\r";
  auto line = content.substr(0, content.find('\n'));
  line.remove_prefix(std::min(line.find_first_not_of(blank), line.size()));
  line = line.substr(0, line.find_last_not_of(blank) + 1);
  if (line.empty()) {
    return base::Failure{std::string("holds no process id in its first line")};
  }
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), pid);
  if (error != std::errc() || end != line.data() + line.size() || pid < 2 || pid >= pid_limit) {
    return base::Failure{"holds '" + printable(line, shown_chars) + "' where a process id from 2 to " +
                         std::to_string(pid_limit - 1) + " is expected"};
  }
  return pid;
}

// Without a pause after an event: what is read half-written is read again at the next one, and a service may
// end soon after it was started.
PidFileWatch::PidFileWatch(loop::EventLoop& loop, std::filesystem::path path, core::Prober::Hint ended)
    : loop_(loop), path_(std::move(path)), ended_(std::move(ended)),
      file_(
          loop, path_.string(), [this] { changed(); }, core::Duration::zero()) {
  read();
}

void PidFileWatch::changed() {
  last_ended_ = 0; // what stands there is news, even if the number is an old one
  read();
}

void PidFileWatch::refresh() {
  if (pid_ == 0) {
    read();
  }
}

// While a process is watched, only another one that lives takes its place: a file that is being rewritten, or
// that its owner has removed early, leaves the old one watched.
void PidFileWatch::read() {
  const auto content = read_beginning(path_);
  if (!content) {
    not_watched(path_.string() + ": " + error_text(content.error()));
    return;
  }
  const auto pid = parse_pid_file(content.value());
  if (!pid) {
    not_watched(path_.string() + " " + pid.error());
    return;
  }
  if (pid.value() == pid_) {
    return;
  }
  const auto process = path_.string() + " names process " + std::to_string(pid.value());
  if (pid.value() == last_ended_) {
    not_watched(process + ", which has ended");
    return;
  }
  auto watch = loop::ProcessWatch::start(loop_, pid.value(), [this] { ended(); });
  if (!watch) {
    not_watched(
        process + ", which " +
        (watch.error() == ESRCH ? "does not exist" : "cannot be watched: " + error_text(watch.error())));
    return;
  }
  process_ = std::move(watch).value();
  pid_ = pid.value();
  problem_.clear();
}

void PidFileWatch::not_watched(std::string why) {
  if (pid_ == 0) {
    problem_ = std::move(why);
  }
}

void PidFileWatch::ended() {
  process_ = loop::ProcessWatch();
  last_ended_ = std::exchange(pid_, 0);
  const auto what = "process " + std::to_string(last_ended_) + " of " + path_.string() + " has ended";
  problem_ = what;
  ended_(what);
}

} // namespace healthgate::probe
