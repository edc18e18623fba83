#include "config/files.hpp"

#include "base/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace healthgate::config {
namespace {

using base::Failure;
using base::UniqueFd;
using Path = Files::Path;

FileError error_of(int error) {
  return {error, std::generic_category().message(error)};
}

// Reads to the end; the file may grow or shrink meanwhile.
base::Result<std::string, FileError> read_whole(int fd) {
  std::string content;
  std::array<char, 64 * 1024> piece{};
  while (true) {
    const ssize_t got = ::read(fd, piece.data(), piece.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      return Failure{error_of(errno)};
    }
    if (got == 0) {
      return content;
    }
    if (content.size() + static_cast<std::size_t>(got) > file_limit_bytes) {
      return Failure{FileError{EFBIG, "it has more than 64 MiB"}};
    }
    content.append(piece.data(), static_cast<std::size_t>(got));
  }
}

base::Result<std::string, FileError> read_file(const Path& file) {
  // O_NONBLOCK: opening a pipe that nobody writes to must not hold the daemon.
  const UniqueFd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    return Failure{error_of(errno)};
  }
  if (!S_ISREG(status.st_mode)) {
    return Failure{FileError{EINVAL, "it is not a regular file"}};
  }
  return read_whole(fd.get());
}

base::Result<std::vector<Path>, FileError> list_directory(const Path& directory) {
  std::error_code error;
  std::vector<Path> paths;
  std::filesystem::directory_iterator entry(directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    paths.push_back(entry->path());
  }
  if (error) {
    return Failure{FileError{error.value(), error.message()}};
  }
  return paths;
}

} // namespace

Files host_files() {
  return {read_file, list_directory};
}

} // namespace healthgate::config
