#include "loop/notify.hpp"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace healthgate::loop {
namespace {

// Without a service manager there is nobody to tell; with one, a datagram that fails is told by its timeouts.
bool tell(const std::string& state) {
  return sd_notify(0, state.c_str()) > 0;
}

} // namespace

void notify_ready() {
  (void)tell("READY=1");
}

void notify_reloading() {
  timespec now{};
  (void)clock_gettime(CLOCK_MONOTONIC, &now); // cannot fail for this clock
  const auto usec = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1'000;
  (void)tell("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(usec));
}

void notify_stopping() {
  (void)tell("STOPPING=1");
}

void notify_status(std::string_view text) {
  std::string line = "STATUS=" + std::string(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  (void)tell(line);
}

bool store_fd(const std::string& name, int fd) {
  const auto state = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + name;
  return sd_pid_notify_with_fds(0, 0, state.c_str(), &fd, 1) > 0;
}

bool forget_fd(const std::string& name) {
  return tell("FDSTOREREMOVE=1\nFDNAME=" + name);
}

std::vector<NamedFd> take_stored_fds() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  std::vector<NamedFd> taken;
  for (int index = 0; index < count; ++index) {
    taken.push_back({names[index], base::UniqueFd(SD_LISTEN_FDS_START + index)});
    std::free(names[index]);
  }
  std::free(names);
  return taken;
}

} // namespace healthgate::loop
