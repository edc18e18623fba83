#include "listener/port_holder.hpp"

#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>
#include <pwd.h>
#include <sstream>
#include <string_view>
#include <vector>

namespace healthgate::listener {
namespace {

namespace fs = std::filesystem;

struct Socket {
  std::string inode;
  unsigned user = 0;
};

// Lines of /proc/net/tcp: sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode (proc(5));
// state 0A is TCP_LISTEN, and the port is in hexadecimal.
std::optional<Socket> listening_socket(std::uint16_t port, const char* table) {
  std::ifstream file(table);
  std::string line;
  (void)std::getline(file, line); // the heading; an empty file fails in the loop
  while (std::getline(file, line)) {
    std::istringstream words(line);
    std::string slot, local, remote, state, queues, timer, retransmits, user, timeout, inode;
    words >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> user >> timeout >> inode;
    const auto colon = local.rfind(':');
    unsigned local_port = 0;
    if (state != "0A" || colon == std::string::npos) {
      continue;
    }
    (void)std::from_chars(local.data() + colon + 1, local.data() + local.size(), local_port,
                          16); // 0 matches nothing
    if (local_port == port) {
      Socket found{inode, 0};
      (void)std::from_chars(user.data(), user.data() + user.size(), found.user); // 0 when it is no number
      return found;
    }
  }
  return std::nullopt;
}

std::string first_line(const fs::path& file) {
  std::ifstream stream(file);
  std::string line;
  (void)std::getline(stream, line); // "" when the process has gone
  return line;
}

bool holds(const fs::path& process, const std::string& link) {
  std::error_code error;
  for (fs::directory_iterator fd(process / "fd", error), end; !error && fd != end; fd.increment(error)) {
    std::error_code unreadable;
    if (fs::read_symlink(fd->path(), unreadable) == link) {
      return true;
    }
  }
  return false;
}

std::string process_with(const std::string& inode) {
  const auto link = "socket:[" + inode + "]";
  std::error_code error;
  for (fs::directory_iterator process("/proc", error), end; !error && process != end;
       process.increment(error)) {
    const auto pid = process->path().filename().string();
    if (pid.find_first_not_of("0123456789") == std::string::npos && holds(process->path(), link)) {
      return first_line(process->path() / "comm") + " (pid " + pid + ")";
    }
  }
  return "";
}

std::string user_name(unsigned user) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(4096);
  if (getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    return found->pw_name;
  }
  return std::to_string(user);
}

} // namespace

std::string port_holder(std::uint16_t port) {
  // thread-self: the namespace of this thread, as promised.
  for (const char* table : {"/proc/thread-self/net/tcp", "/proc/thread-self/net/tcp6"}) {
    const auto socket = listening_socket(port, table);
    if (!socket) {
      continue;
    }
    const auto process = process_with(socket->inode);
    return process.empty() ? "a process of user " + user_name(socket->user) : process;
  }
  return "another program";
}

} // namespace healthgate::listener
