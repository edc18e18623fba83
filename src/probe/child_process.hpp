// Starting a program with everything taken from it that a health check has no use for. See exec_prober.hpp
// for what it gets.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "loop/child.hpp"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace healthgate::probe {

// Whose rights a program runs with.
struct Identity {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

// Looks a user and its groups up; may block on the name service. The error is a sentence.
[[nodiscard]] base::Result<Identity, std::string> find_identity(const std::string& user);

struct ChildSpec {
  std::vector<std::string> argv;        // argv[0] absolute
  std::vector<std::string> environment; // NAME=value
  std::optional<Identity> identity;     // none: stays as it is
};

// A program that was started; the owner reaps it. All members are close-on-exec and never block.
struct ChildProcess {
  pid_t pid = 0; // 0: none
  base::UniqueFd pidfd;
  base::UniqueFd output; // stdout and stderr
  base::UniqueFd setup;  // what went wrong before the program ran: see setup_error()
};

// Starts it without waiting for anything, exec included: fork(2) rather than vfork(2) or posix_spawn(3),
// whose parent stands still until the child's execve(2) has read the program from a disk that may be slow or
// gone. Costs the copy of our page tables, some 100 us. The error is a sentence.
[[nodiscard]] base::Result<ChildProcess, std::string> start_child(const ChildSpec& spec);

// Of a child that has ended: why it never became the program, "cannot run /x: No such file or directory"; or
// "".
[[nodiscard]] std::string setup_error(const ChildProcess& child, const ChildSpec& spec);

// Of a child that has ended, or is about to: waits for it.
[[nodiscard]] loop::ExitStatus reap(pid_t pid);

// SIGKILL to the whole group of a child that has not been reaped yet.
void kill_group(pid_t pid);

} // namespace healthgate::probe
