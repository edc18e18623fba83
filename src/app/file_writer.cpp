#include "app/file_writer.hpp"

#include "base/log.hpp"
#include "base/unique_fd.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace healthgate::app {

std::string replace_file(const std::filesystem::path& path, const std::string& content) {
  const auto temporary = path.string() + ".new";
  const auto failed = [&](const char* step) { return temporary + ": " + step + ": " + std::strerror(errno); };
  base::UniqueFd fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!fd) {
    return failed("open");
  }
  std::size_t done = 0;
  while (done < content.size()) {
    const auto count = ::write(fd.get(), content.data() + done, content.size() - done);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return failed("write");
    }
    done += static_cast<std::size_t>(count);
  }
  if (::fsync(fd.get()) != 0 && errno != EINVAL) { // EINVAL: a special file, as in a test's pipe
    return failed("fsync");
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return failed("rename");
  }
  return "";
}

FileWriter::FileWriter() : thread_([this] { run(); }) {}

FileWriter::~FileWriter() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void FileWriter::write(const std::filesystem::path& path, std::string content) {
  {
    const std::lock_guard lock(mutex_);
    waiting_[path] = std::move(content);
  }
  wake_.notify_all();
}

bool FileWriter::drain(std::chrono::milliseconds limit) {
  std::unique_lock lock(mutex_);
  return idle_.wait_for(lock, limit, [this] { return waiting_.empty() && !writing_; });
}

void FileWriter::put(const std::filesystem::path& path, const std::string& content) {
  const auto error = replace_file(path, content);
  if (error.empty() && failing_.erase(path) != 0) {
    base::log::info(path.string() + " is written again");
  } else if (!error.empty() && failing_.insert(path).second) {
    base::log::warning("not written: " + error);
  }
}

void FileWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) {
      return;
    }
    auto next = waiting_.extract(waiting_.begin());
    writing_ = true;
    lock.unlock();
    put(next.key(), next.mapped());
    lock.lock();
    writing_ = false;
    if (waiting_.empty()) {
      idle_.notify_all();
    }
  }
}

} // namespace healthgate::app
