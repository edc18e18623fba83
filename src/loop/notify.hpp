// Talking to the service manager (sd_notify(3), systemd's fd store). Without one, every function does
// nothing. The watchdog is EventLoop::feed_watchdog(). None of these block: systemd's socket is a datagram
// socket.
#pragma once

#include "base/unique_fd.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace healthgate::loop {

void notify_ready();                       // READY=1: after start, and again at the end of a reload
void notify_reloading();                   // RELOADING=1 with the time that Type=notify-reload wants
void notify_stopping();                    // STOPPING=1
void notify_status(std::string_view text); // one line for `systemctl status`; newlines become spaces

// Hands a duplicate of `fd` to the service manager, which keeps it over our death and returns it to the next
// start by take_stored_fds(). Kept also while the socket is shut (FDPOLL=0; systemd before 246 drops a shut
// listener). False when there is no manager or sending failed; true is no proof: a unit without
// FileDescriptorStoreMax= drops it silently. `name` has [a-z0-9_-] and at most 255 bytes; several descriptors
// may share one.
bool store_fd(const std::string& name, int fd);
// Lets the manager close all that were stored under `name`.
bool forget_fd(const std::string& name);

struct NamedFd {
  std::string name; // of store_fd(), of FileDescriptorName=, or "unknown"
  base::UniqueFd fd;
};

// The descriptors that the manager passed to this process, close-on-exec, and clears the environment that
// announced them. Call it once, early: before other code could open descriptors or start programs. Empty when
// there are none.
std::vector<NamedFd> take_stored_fds();

} // namespace healthgate::loop
