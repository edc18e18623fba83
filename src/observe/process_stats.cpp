#include "observe/process_stats.hpp"

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace healthgate::observe {
namespace {

// Field `number` of /proc/self/stat, counted from 1 as in proc(5). The second, the program's name in
// parentheses, may hold spaces, so counting starts behind it.
std::optional<std::uint64_t> stat_field(int number) {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  const auto name_end = line.rfind(')');
  if (name_end == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream fields(line.substr(name_end + 1));
  std::string field;
  for (int index = 3; index <= number; ++index) {
    fields >> field;
  }
  std::uint64_t value = 0;
  return std::istringstream(field) >> value ? std::optional(value) : std::nullopt;
}

std::optional<double> boot_time() {
  std::ifstream file("/proc/stat");
  for (std::string word; file >> word; file.ignore(std::numeric_limits<std::streamsize>::max(), '\n')) {
    if (double seconds = 0; word == "btime" && file >> seconds) {
      return seconds;
    }
  }
  return std::nullopt;
}

std::optional<double> start_time() {
  const auto ticks = stat_field(22);
  const auto boot = boot_time();
  if (!ticks || !boot) {
    return std::nullopt;
  }
  return *boot + static_cast<double>(*ticks) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

std::optional<double> cpu_seconds() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) {
    return std::nullopt;
  }
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::optional<std::uint64_t> open_fds() {
  std::error_code problem;
  std::uint64_t count = 0;
  for (std::filesystem::directory_iterator entry("/proc/self/fd", problem), end; !problem && entry != end;
       entry.increment(problem)) {
    ++count;
  }
  return problem || count == 0 ? std::nullopt : std::optional(count - 1); // one was the directory's own
}

std::optional<std::uint64_t> max_fds() {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) == 0 ? std::optional<std::uint64_t>(limit.rlim_cur)
                                                 : std::nullopt;
}

} // namespace

ProcessStats read_process_stats() {
  ProcessStats stats;
  stats.cpu_seconds = cpu_seconds();
  stats.open_fds = open_fds();
  stats.max_fds = max_fds();
  stats.virtual_bytes = stat_field(23);
  if (const auto pages = stat_field(24)) {
    stats.resident_bytes = *pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }
  stats.start_time_seconds = start_time();
  return stats;
}

} // namespace healthgate::observe
