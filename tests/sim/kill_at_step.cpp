#include "tests/sim/kill_at_step.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

namespace cotter::sim {
namespace {

constexpr int kCannotTrace = 77;

bool changes_files(const __ptrace_syscall_info& info) {
  static constexpr std::array kAlways = {
      SYS_write,     SYS_pwrite64, SYS_ftruncate, SYS_fallocate, SYS_fsync,  SYS_fdatasync, SYS_renameat,
      SYS_renameat2, SYS_linkat,   SYS_unlinkat,  SYS_mkdirat,   SYS_fchmod, SYS_fchmodat,  SYS_syncfs,
#ifdef SYS_rename  // newer machines have the ...at forms alone
      SYS_rename,    SYS_link,     SYS_unlink,    SYS_mkdir,     SYS_rmdir,  SYS_chmod,
#endif
  };
  const auto number = static_cast<long>(info.entry.nr);
  if (number == SYS_openat) return (info.entry.args[2] & (O_CREAT | O_TRUNC)) != 0;
  return std::find(kAlways.begin(), kAlways.end(), number) != kAlways.end();
}

[[noreturn]] void be_traced(const std::function<bool()>& work) {
  if (::setpgid(0, 0) != 0 || ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(kCannotTrace);
  ::raise(SIGSTOP);  // until the parent has set its options
  ::_exit(work() ? 0 : 1);
}

Death death_of(int status) {
  if (WIFSIGNALED(status)) return Death::Killed;
  if (WEXITSTATUS(status) == kCannotTrace) return Death::CannotTrace;
  return WEXITSTATUS(status) == 0 ? Death::Finished : Death::Failed;
}

/// The signal to hand on when the child goes on: none for stops that tracing itself makes.
int signal_of(int status) {
  const int signal = WSTOPSIG(status);
  return signal == (SIGTRAP | 0x80) || signal == SIGTRAP || signal == SIGSTOP ? 0 : signal;
}

}  // namespace

Death run_until_step(unsigned step, const std::function<bool()>& work) {
  constexpr unsigned kOptions = PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE;
  const pid_t child = ::fork();
  if (child < 0) return Death::CannotTrace;
  if (child == 0) be_traced(work);
  int status = 0;
  unsigned steps = 0;
  if (::waitpid(child, &status, 0) != child) return Death::CannotTrace;
  if (!WIFSTOPPED(status)) return death_of(status);
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, kOptions);
  ::ptrace(PTRACE_SYSCALL, child, nullptr, 0);
  // Its threads are in its group. The child itself is the last to go, dead or done.
  for (pid_t thread; (thread = ::waitpid(-child, &status, __WALL)) > 0;) {
    if (!WIFSTOPPED(status)) {
      if (thread == child) break;
      continue;
    }
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
      __ptrace_syscall_info info{};
      ::ptrace(PTRACE_GET_SYSCALL_INFO, thread, sizeof(info), &info);
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY && changes_files(info) && ++steps == step) {
        ::kill(child, SIGKILL);
        continue;  // it goes no further, and is not let
      }
    }
    ::ptrace(PTRACE_SYSCALL, thread, nullptr, signal_of(status));
  }
  return death_of(status);
}

}  // namespace cotter::sim
