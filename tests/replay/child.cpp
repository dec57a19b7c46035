#include "tests/replay/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <fstream>
#include <thread>
#include <utility>

#include "common/host/atomic_file.h"
#include "tests/world/exec_words.h"

namespace cotter::replay {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

[[noreturn]] void become(const world::ExecWords& words, int out, int err) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  words.become();
}

int code_of(int status) { return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status); }

Result<int> open_for(const fs::path& file, int how) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0600);
  if (fd < 0) return fail(host::errno_fault("cannot write " + file.string(), errno));
  return fd;
}

/// The parent of a process, as /proc tells it; 0 when it is gone.
pid_t parent_of(const fs::path& process) {
  std::ifstream in(process / "stat");
  std::string text;
  // Nothing, of a process that ended just now; iterators would throw.
  std::getline(in, text);
  const auto name_ends = text.rfind(')');  // a name may hold anything
  if (name_ends == std::string::npos || text.size() < name_ends + 4) return 0;
  return static_cast<pid_t>(std::strtol(text.c_str() + name_ends + 4, nullptr, 10));
}

std::vector<pid_t> our_children() {
  std::vector<pid_t> all;
  std::error_code gone;  // processes end while the list is read
  for (fs::directory_iterator entry("/proc", gone); !gone && entry != fs::directory_iterator();
       entry.increment(gone)) {
    const std::string name = entry->path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (parent_of(entry->path()) == ::getpid()) all.push_back(static_cast<pid_t>(std::stol(name)));
  }
  return all;
}

}  // namespace

Result<Child> Child::start(const ChildOrder& order) {
  const world::ExecWords words(order.arguments, order.environment);
  const int out = TRY(open_for(order.out, O_TRUNC));
  const auto err = open_for(order.err, O_APPEND);
  if (!err) {
    ::close(out);
    return fail(err.error());
  }
  const pid_t pid = ::fork();
  if (pid == 0) become(words, out, *err);
  const int failed = errno;
  ::close(out);
  ::close(*err);
  if (pid < 0) return fail(host::errno_fault("cannot start " + order.arguments.front(), failed));
  ::setpgid(pid, pid);  // whoever comes first, it or we
  return Child(pid);
}

Child::~Child() { stop(std::chrono::milliseconds(0)); }
Child::Child(Child&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
Child& Child::operator=(Child&& other) noexcept {
  std::swap(pid_, other.pid_);
  return *this;
}

std::optional<int> Child::wait(std::chrono::milliseconds limit) {
  const auto deadline = Steady::now() + limit;
  for (;;) {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      return code_of(status);
    }
    if (Steady::now() >= deadline) return std::nullopt;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

void Child::stop(std::chrono::milliseconds limit) {
  if (pid_ < 0) return;
  const pid_t group = pid_;
  if (limit.count() > 0) {
    ::kill(-group, SIGTERM);
    if (wait(limit)) return;
  }
  ::kill(-group, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

void end_children_when_signalled() {
  static sigset_t signals;
  ::sigemptyset(&signals);
  for (const int each : {SIGINT, SIGTERM, SIGHUP}) ::sigaddset(&signals, each);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::thread([] {
    int signal = 0;
    ::sigwait(&signals, &signal);
    for (const pid_t child : our_children()) ::kill(child, SIGTERM);
    // Those that end what they have started need a moment for it; whoever waits for them takes their end.
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    for (const pid_t child : our_children()) ::kill(child, SIGKILL);
    ::_exit(128 + signal);
  }).detach();
}

void adopt_strays() { ::prctl(PR_SET_CHILD_SUBREAPER, 1); }

void kill_strays() {
  for (auto children = our_children(); !children.empty(); children = our_children()) {
    for (const pid_t child : children) ::kill(child, SIGKILL);
    for (const pid_t child : children) {
      int status = 0;
      ::waitpid(child, &status, 0);
    }
  }
}

}  // namespace cotter::replay
