// Kills a program (SIGKILL) as it enters its Nth system call, all threads counted together; the call is not made.
//
//   kill_at WHICH N COMMAND...    from its first system call on; N = 0: never
//   kill_at WHICH N -p PID        a program that runs, from now on
//
// WHICH: `all`, or `steps`: those that change something outside of the program's own memory, so that between two of
// them nobody else can tell where it died. Prints "KIND NUMBER" of the system call, "none NUMBER" when it has ended
// by itself or SIGUSR1 asked for the count so far; the program then runs on alone. Blocks until then.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h>

static const long OPTIONS = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK;
static const long STEPS[] = {
    SYS_socket, SYS_socketpair, SYS_connect, SYS_accept4, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_bind,
    SYS_listen, SYS_shutdown, SYS_setsockopt, SYS_close, SYS_clone, SYS_clone3, SYS_execve, SYS_write,
    SYS_writev, SYS_pwrite64, SYS_ftruncate, SYS_fsync, SYS_fdatasync, SYS_rename, SYS_renameat, SYS_renameat2,
    SYS_unlink, SYS_unlinkat, SYS_mkdir, SYS_mkdirat, SYS_chmod, SYS_fchmod, SYS_fchmodat, SYS_chown, SYS_fchown,
    SYS_fchownat, SYS_flock, SYS_epoll_ctl, SYS_timerfd_settime, SYS_prctl, SYS_kill, SYS_tgkill,
};

static volatile sig_atomic_t asked;
static void on_signal(int number) {
  (void)number;
  asked = 1;
}

static bool is_step(const struct __ptrace_syscall_info *info) {
  if (info->entry.nr == SYS_openat) return info->entry.args[2] & (O_CREAT | O_WRONLY | O_RDWR);
  for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; ++i)
    if ((long)info->entry.nr == STEPS[i]) return true;
  return false;
}

static void seize(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
    pid_t thread = atoi(entry->d_name);
    if (thread <= 0 || ptrace(PTRACE_SEIZE, thread, 0, OPTIONS) < 0) continue;
    ptrace(PTRACE_INTERRUPT, thread, 0, 0);
  }
  if (tasks) closedir(tasks);
}

static pid_t start(char **command) {
  pid_t pid = fork();
  if (pid == 0) {
    raise(SIGSTOP); // until the parent has seized it
    execvp(command[0], command);
    _exit(127);
  }
  waitpid(pid, NULL, WUNTRACED);
  ptrace(PTRACE_SEIZE, pid, 0, OPTIONS | PTRACE_O_EXITKILL);
  kill(pid, SIGCONT);
  ptrace(PTRACE_INTERRUPT, pid, 0, 0);
  return pid;
}

// Lets every thread run on without us; those that run must be stopped for that.
static void let_go(pid_t pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/task", pid);
  DIR *tasks = opendir(path);
  for (struct dirent *entry; tasks && (entry = readdir(tasks));) {
    pid_t thread = atoi(entry->d_name);
    if (thread <= 0 || ptrace(PTRACE_INTERRUPT, thread, 0, 0) < 0) continue;
    waitpid(thread, NULL, __WALL);
    ptrace(PTRACE_DETACH, thread, 0, 0);
  }
  if (tasks) closedir(tasks);
}

int main(int argc, char **argv) {
  if (argc < 4) return fputs("usage: kill_at all|steps N COMMAND... | -p PID\n", stderr), 2;
  bool every = strcmp(argv[1], "all") == 0, attach = strcmp(argv[3], "-p") == 0;
  long target = atol(argv[2]), count = 0;
  struct sigaction action = {.sa_handler = on_signal}; // no SA_RESTART: waitpid returns
  sigaction(SIGUSR1, &action, NULL);
  pid_t pid = attach ? atoi(argv[4]) : start(argv + 3);
  if (attach) seize(pid);
  puts("ready");
  fflush(stdout);
  while (!asked) {
    int status;
    pid_t thread = waitpid(-1, &status, __WALL);
    if (thread < 0 && errno == EINTR) continue;
    if (thread < 0) break; // nobody is left
    if (!WIFSTOPPED(status)) continue;
    int signal_number = WSTOPSIG(status), event = status >> 16;
    if (signal_number == (SIGTRAP | 0x80)) {
      struct __ptrace_syscall_info info;
      ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof info, &info);
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY && (every || is_step(&info)) && ++count == target) {
        printf("%ld %ld\n", (long)info.entry.nr, count);
        fflush(stdout);
        kill(pid, SIGKILL);
        while (waitpid(-1, NULL, __WALL) > 0) {
        }
        return 0;
      }
    }
    bool for_us = event != 0 || signal_number == (SIGTRAP | 0x80);
    ptrace(PTRACE_SYSCALL, thread, 0, for_us ? 0 : signal_number);
  }
  printf("none %ld\n", count);
  fflush(stdout);
  let_go(pid);
  if (!attach && asked) waitpid(pid, NULL, 0); // it is our child: stay as long as it runs
  return 0;
}
