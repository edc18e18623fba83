#include "control/peer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <pwd.h>
#include <sys/socket.h>
#include <vector>

namespace healthgate::control {
namespace {

// The supplementary groups at the time of connect(2); none when the kernel does not say.
std::vector<gid_t> groups_of(int fd) {
  std::vector<gid_t> groups(64);
  for (int attempt = 0; attempt < 2; ++attempt) {
    auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
    const int result = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
    if (result != 0 && errno != ERANGE) {
      return {};
    }
    groups.resize(size / sizeof(gid_t)); // with ERANGE: how many there are
    if (result == 0) {
      return groups;
    }
  }
  return {};
}

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { (void)std::fclose(file); } // it was only read
};

// From /etc/passwd; "" when it is not there.
std::string local_user_name(uid_t uid) {
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen("/etc/passwd", "re"));
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  while (file && ::fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0) {
    if (found->pw_uid == uid) {
      return found->pw_name;
    }
  }
  return {};
}

} // namespace

base::Result<Peer, int> read_peer(int fd, uid_t own_user, std::optional<gid_t> steering_group) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    return base::Failure{errno};
  }
  Peer peer;
  peer.pid = credentials.pid;
  peer.uid = credentials.uid;
  peer.gid = credentials.gid;
  peer.may_take_over = peer.uid == 0 || peer.uid == own_user;
  peer.may_steer = peer.may_take_over;
  if (!peer.may_steer && steering_group) {
    auto groups = groups_of(fd);
    groups.push_back(peer.gid);
    peer.may_steer = std::find(groups.begin(), groups.end(), *steering_group) != groups.end();
  }
  return peer;
}

std::string who(const Peer& peer, const Request& request) {
  if (peer.uid == 0 && !request.sudo_user.empty()) {
    return "root (sudo by " + request.sudo_user + ")";
  }
  const auto number = "uid " + std::to_string(peer.uid);
  const auto name = local_user_name(peer.uid);
  return name.empty() ? number : name + " (" + number + ")";
}

std::string denial(const Peer& peer, Command command, bool status_public) {
  const bool allowed = command == Command::takeover ? peer.may_take_over
                       : only_reads(command)        ? peer.may_steer || status_public
                                                    : peer.may_steer;
  if (allowed) {
    return {};
  }
  const auto subject = "uid " + std::to_string(peer.uid) + " may not use '" + to_string(command) + "'; ";
  if (command == Command::takeover) {
    return subject + "root and the daemon's own user may";
  }
  return subject + "root, the daemon's own user and the group healthgate may" +
         (only_reads(command) ? ", and everybody with `status-public = yes`" : "");
}

} // namespace healthgate::control
