// What the loader reads from: a seam, so that unit tests and the fuzzer touch no disk.
#pragma once

#include "base/result.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace healthgate::config {

// Largest file that is read: an allow-file of a million lines has 20 MB.
inline constexpr std::size_t file_limit_bytes = 64UL * 1024 * 1024;

// Why a file could not be read: an errno, or a sentence of our own where errno has none.
struct FileError {
  int error = 0;
  std::string sentence; // "Permission denied", "it is not a regular file"
};

struct Files {
  using Path = std::filesystem::path;
  // The whole content. Regular files only: a pipe without a writer would hold the daemon.
  std::function<base::Result<std::string, FileError>(const Path& file)> read;
  // The paths in a directory, in any order; a failure with ENOENT when there is none.
  std::function<base::Result<std::vector<Path>, FileError>(const Path& directory)> list;
};

// The host's own file system. Blocks as long as the disk does.
[[nodiscard]] Files host_files();

} // namespace healthgate::config
