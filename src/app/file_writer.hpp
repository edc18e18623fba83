// Writes small state files (overrides, history, track files) without ever delaying a verdict: the caller
// leaves the newest content of a file and goes on; one thread writes it beside the file and renames it into
// place, so that a reader, and a start after a power cut, finds the old content or the new, never a half.
// What cannot be written is logged, once until it can again.
#pragma once

#include <condition_variable>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace healthgate::app {

class FileWriter {
public:
  FileWriter();
  // Stops after the write under way; what is still waiting is dropped. Call drain() first to keep it.
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  // Leaves `content` to be written to `path`; the last one wins when the disk is slower. Does not block.
  void write(const std::filesystem::path& path, std::string content);
  // Waits until everything left so far is written or has failed, at most `limit`. True when nothing waits.
  bool drain(std::chrono::milliseconds limit);

private:
  void run();
  void put(const std::filesystem::path& path, const std::string& content);

  std::mutex mutex_;
  std::condition_variable wake_;
  std::condition_variable idle_;
  std::map<std::filesystem::path, std::string> waiting_;
  std::set<std::filesystem::path> failing_; // of the thread alone
  bool writing_ = false;
  bool stop_ = false;
  std::thread thread_; // last: everything that it uses is made before it
};

// Writes `content` to `path` by way of a temporary file in the same directory, fsync and rename. Blocks for
// as long as the disk takes. "" on success, else what failed with the errno's text.
[[nodiscard]] std::string replace_file(const std::filesystem::path& path, const std::string& content);

} // namespace healthgate::app
