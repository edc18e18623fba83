// A listening unix socket and its name in the file system.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <sys/types.h>

namespace healthgate::control {

class SocketFile {
public:
  struct Access {
    std::optional<gid_t> group; // of the file; none: the process's own
    mode_t mode = 0660;
  };

  // Binds `path` and listens. What stands there is replaced only if it is a socket that nobody listens on;
  // with `replace_live` also one that somebody does, as a successor must. A missing directory is made (0755,
  // one level). At no moment has the file more rights than `access` says, whatever the umask is. Two daemons
  // that start at once are kept apart by a lock on the directory. The failure is one sentence. Does not
  // block, but for the disk.
  static base::Result<SocketFile, std::string> bind(const std::filesystem::path& path, const Access& access,
                                                    bool replace_live);

  SocketFile(SocketFile&& other) noexcept = default;
  SocketFile& operator=(SocketFile&& other) = delete;
  ~SocketFile(); // removes the name if it is still this socket's

  [[nodiscard]] int fd() const { return fd_.get(); }
  // "" or a sentence for the log: the group could not be set.
  [[nodiscard]] const std::string& note() const { return note_; }
  // False, with errno, when it could not be changed.
  [[nodiscard]] bool set_mode(mode_t mode) const;

private:
  SocketFile(std::filesystem::path path, base::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string apply(const Access& access);
  [[nodiscard]] bool still_ours() const;

  std::filesystem::path path_;
  base::UniqueFd fd_;
  std::string note_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

} // namespace healthgate::control
