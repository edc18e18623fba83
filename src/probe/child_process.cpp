#include "probe/child_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

namespace healthgate::probe {
namespace {

// What the child writes to `setup` when it cannot become the program.
struct SetupError {
  char step; // of setup_steps
  int error;
};

constexpr const char* setup_steps[] = {"open /dev/null", "change the user", "run"};
enum Step : char { step_null, step_user, step_exec };

std::string message(int error) {
  return std::generic_category().message(error);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  std::transform(words.begin(), words.end(), std::back_inserter(list),
                 [](const std::string& word) { return const_cast<char*>(word.c_str()); });
  list.push_back(nullptr);
  return list;
}

// From here to exec only what is safe after fork(2) in a process with threads (signal-safety(7)): no
// allocation.
[[noreturn]] void give_up(int setup, Step step) {
  const SetupError report{step, errno};
  (void)!::write(setup, &report, sizeof report); // nobody is left to tell when this fails
  ::_exit(127);
}

void reset_signals() {
  for (int number = 1; number < NSIG; ++number) {
    (void)std::signal(number, SIG_DFL); // SIGKILL and SIGSTOP refuse
  }
  sigset_t none;
  (void)sigemptyset(&none);
  (void)::sigprocmask(SIG_SETMASK, &none, nullptr); // fails only for a bad `how`
}

bool take_identity(const Identity& identity) {
  // The system calls themselves: glibc's wrappers would ask the other threads, which a forked child does not
  // have.
  return ::syscall(SYS_setgroups, identity.groups.size(), identity.groups.data()) == 0 &&
         ::syscall(SYS_setresgid, identity.gid, identity.gid, identity.gid) == 0 &&
         ::syscall(SYS_setresuid, identity.uid, identity.uid, identity.uid) == 0;
}

[[noreturn]] void become(const ChildSpec& spec, char* const* argv, char* const* environment, int output,
                         int setup) {
  (void)::setsid(); // cannot fail in a new process
  reset_signals();
  const int null = ::open("/dev/null", O_RDONLY);
  if (null < 0) {
    give_up(setup, step_null);
  }
  (void)::dup2(null, STDIN_FILENO); // these descriptors are open: dup2(2) has nothing to fail for
  (void)::dup2(output, STDOUT_FILENO);
  (void)::dup2(output, STDERR_FILENO);
  // `setup` moves to 3, and what lies above is closed with exec: a kernel without close_range (5.9) still has
  // our own descriptors close-on-exec.
  (void)::dup3(setup, 3, O_CLOEXEC);
  (void)::syscall(SYS_close_range, 4U, ~0U, 0U);
  (void)!::chdir("/"); // always there
  const rlimit none{0, 0};
  (void)::setrlimit(RLIMIT_CORE, &none);                            // lowering is always allowed
  (void)::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); // none to clear on kernels before 4.3
  (void)::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);                   // since 3.5
  if (spec.identity && !take_identity(*spec.identity)) {
    give_up(3, step_user);
  }
  (void)::execve(argv[0], argv, environment);
  give_up(3, step_exec);
}

} // namespace

base::Result<Identity, std::string> find_identity(const std::string& user) {
  passwd entry{};
  passwd* found = nullptr;
  std::vector<char> buffer(16 * 1024);
  const int error = ::getpwnam_r(user.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return base::Failure<std::string>{"no user '" + user + "'" + (error == 0 ? "" : ": " + message(error))};
  }
  Identity identity;
  identity.name = user;
  identity.uid = entry.pw_uid;
  identity.gid = entry.pw_gid;
  int count = 64;
  identity.groups.resize(static_cast<std::size_t>(count));
  if (::getgrouplist(user.c_str(), entry.pw_gid, identity.groups.data(), &count) < 0) {
    identity.groups.resize(static_cast<std::size_t>(count));
    if (::getgrouplist(user.c_str(), entry.pw_gid, identity.groups.data(), &count) < 0) {
      return base::Failure<std::string>{"the groups of user '" + user + "' cannot be read"};
    }
  }
  identity.groups.resize(static_cast<std::size_t>(count));
  return identity;
}

base::Result<ChildProcess, std::string> start_child(const ChildSpec& spec) {
  using Problem = base::Failure<std::string>;
  std::array<int, 2> output{};
  std::array<int, 2> setup{};
  if (::pipe2(output.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return Problem{"pipe: " + message(errno)};
  }
  ChildProcess child;
  child.output.reset(output[0]);
  const base::UniqueFd output_end(output[1]);
  if (::pipe2(setup.data(), O_CLOEXEC) != 0) {
    return Problem{"pipe: " + message(errno)};
  }
  child.setup.reset(setup[0]);
  const base::UniqueFd setup_end(setup[1]);
  // A program expects a blocking stdout; only our end must not block.
  (void)::fcntl(output_end.get(), F_SETFL, 0); // cannot fail for a pipe
  (void)::fcntl(child.setup.get(), F_SETFL, O_NONBLOCK);
  const auto argv = pointers(spec.argv);
  const auto environment = pointers(spec.environment);
  child.pid = ::fork();
  if (child.pid < 0) {
    return Problem{"fork: " + message(errno)};
  }
  if (child.pid == 0) {
    become(spec, argv.data(), environment.data(), output_end.get(), setup_end.get());
  }
  child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  if (!child.pidfd) { // nobody would hear of its end
    const auto problem = "pidfd_open: " + message(errno);
    kill_group(child.pid);
    (void)reap(child.pid);
    return Problem{problem};
  }
  return child;
}

loop::ExitStatus reap(pid_t pid) {
  siginfo_t info{};
  loop::ExitStatus status;
  if (::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED) == 0 && info.si_code == CLD_EXITED) {
    status.code = info.si_status;
  } else {
    status.signal = info.si_status;
  }
  return status;
}

std::string setup_error(const ChildProcess& child, const ChildSpec& spec) {
  SetupError report{};
  if (::read(child.setup.get(), &report, sizeof report) != sizeof report) {
    return "";
  }
  const std::string step = setup_steps[static_cast<std::size_t>(report.step)];
  const auto object = report.step == step_exec   ? " " + spec.argv.front()
                      : report.step == step_user ? " to " + spec.identity->name
                                                 : "";
  return "cannot " + step + object + ": " + message(report.error);
}

void kill_group(pid_t pid) {
  (void)::kill(-pid, SIGKILL); // ESRCH: it has not called setsid(2) yet, or nobody is left in it
  (void)::kill(pid, SIGKILL);
}

} // namespace healthgate::probe
