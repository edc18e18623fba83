#include "control/socket_file.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <system_error>

namespace healthgate::control {
namespace {

std::string cannot(const std::string& what, const std::filesystem::path& path, int error) {
  return "cannot " + what + " " + path.string() + ": " + std::generic_category().message(error);
}

// The caller has checked the length.
sockaddr_un address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path.native().begin(), path.native().end(), std::begin(address.sun_path));
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address); // what bind(2) and connect(2) want of every family
}

base::UniqueFd new_socket() {
  return base::UniqueFd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// Held from the look at the name until it is ours. Whoever may read the directory could hold the lock as
// well, so it is tried only: without it two daemons that start in the same instant might both think the name
// free.
base::UniqueFd lock_directory(const std::filesystem::path& directory) {
  base::UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) {
    (void)::flock(fd.get(), LOCK_EX | LOCK_NB); // see above
  }
  return fd;
}

std::string listener_sentence(const std::filesystem::path& path, int connected) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  const bool known =
      ::getsockopt(connected, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 && credentials.pid > 0;
  return "another healthgate listens at " + path.string() +
         (known ? " (pid " + std::to_string(credentials.pid) + ")" : "");
}

// Makes the name free, or says why not.
std::string clear_name(const std::filesystem::path& path, bool replace_live) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    return errno == ENOENT ? "" : cannot("look at", path, errno);
  }
  if (!S_ISSOCK(info.st_mode)) {
    return path.string() + " is there and is not a socket; nothing was removed";
  }
  const auto probe = new_socket();
  const auto address = address_of(path);
  // EAGAIN: it listens, and its backlog is full. EPROTOTYPE: it is a datagram socket, somebody else's.
  const int error = ::connect(probe.get(), generic(address), sizeof(address)) == 0 ? 0 : errno;
  const bool alive = error == 0 || error == EAGAIN;
  if (alive && !replace_live) {
    return listener_sentence(path, probe.get());
  }
  if (!alive && error != ECONNREFUSED && error != ENOENT) {
    return cannot("tell whether somebody listens at", path, error);
  }
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) {
    return cannot("remove the old socket", path, errno);
  }
  return {};
}

} // namespace

base::Result<SocketFile, std::string> SocketFile::bind(const std::filesystem::path& path,
                                                       const Access& access, bool replace_live) {
  constexpr auto longest = sizeof(sockaddr_un::sun_path) - 1;
  if (path.empty() || path.native().size() > longest) {
    return base::Failure{"a socket's path has 1 to " + std::to_string(longest) + " bytes, " + path.string() +
                         " has " + std::to_string(path.native().size())};
  }
  const auto directory = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
    return base::Failure{cannot("make the directory", directory, errno)};
  }
  const auto lock = lock_directory(directory);
  if (auto sentence = clear_name(path, replace_live); !sentence.empty()) {
    return base::Failure{std::move(sentence)};
  }
  SocketFile file(path, new_socket());
  if (!file.fd_) {
    return base::Failure{cannot("make a socket for", path, errno)};
  }
  // The mode of an unbound socket is what bind(2) gives the file, less the umask (unix_bind_bsd in the
  // kernel): nobody else gets in before group and mode are set.
  if (::fchmod(file.fd(), 0600) != 0) {
    return base::Failure{cannot("set the mode of", path, errno)};
  }
  const auto address = address_of(path);
  if (::bind(file.fd(), generic(address), sizeof(address)) != 0) {
    return base::Failure{cannot("bind", path, errno)};
  }
  if (auto sentence = file.apply(access); !sentence.empty()) {
    return base::Failure{std::move(sentence)};
  }
  return file;
}

// From the moment at which the name exists: whose it is, who may connect, and then listen.
std::string SocketFile::apply(const Access& access) {
  struct stat info {};
  if (::lstat(path_.c_str(), &info) != 0) {
    return cannot("look at", path_, errno);
  }
  device_ = info.st_dev;
  inode_ = info.st_ino;
  if (access.group && info.st_gid != *access.group &&
      ::lchown(path_.c_str(), static_cast<uid_t>(-1), *access.group) != 0) {
    note_ = cannot("give group " + std::to_string(*access.group) + " the control socket", path_, errno);
  }
  if (!set_mode(access.mode)) {
    return cannot("set the mode of", path_, errno);
  }
  constexpr int backlog = 64;
  return ::listen(fd(), backlog) == 0 ? "" : cannot("listen at", path_, errno);
}

bool SocketFile::set_mode(mode_t mode) const {
  return still_ours() && ::chmod(path_.c_str(), mode) == 0;
}

bool SocketFile::still_ours() const {
  struct stat info {};
  return ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_;
}

SocketFile::~SocketFile() {
  if (!fd_ || inode_ == 0) {
    return; // moved from, or never bound
  }
  const auto lock = lock_directory(path_.has_parent_path() ? path_.parent_path() : ".");
  if (still_ours()) {
    (void)::unlink(path_.c_str()); // the next start replaces what is left
  }
}

} // namespace healthgate::control
