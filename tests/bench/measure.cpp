#include "tests/bench/measure.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <vector>

#include "common/host/atomic_file.h"

namespace cotter::bench {
namespace {

namespace fs = std::filesystem;
using Steady = std::chrono::steady_clock;

constexpr std::uint64_t kMaxTrace = 64 * 1024 * 1024;

double microseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}
double microseconds_since(Steady::time_point start) {
  return std::chrono::duration<double, std::micro>(Steady::now() - start).count();
}

[[noreturn]] void become(const world::Command& command, int go, int out) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  char word = 0;
  while (::read(go, &word, 1) < 0 && errno == EINTR) {
  }
  ::dup2(out, STDOUT_FILENO);
  const int log = ::open(command.log.empty() ? "/dev/null" : command.log.c_str(),
                         O_WRONLY | O_CREAT | O_APPEND, host::kSecretFile);
  ::dup2(log, STDERR_FILENO);
  for (const auto& [name, value] : command.environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::string program = command.program.string();
  std::vector<char*> words{program.data()};
  for (const std::string& argument : command.arguments) words.push_back(const_cast<char*>(argument.c_str()));
  words.push_back(nullptr);
  ::execv(program.c_str(), words.data());
  ::_exit(127);
}

/// Lets the traced child run until it is about to end, and looks at it then.
Result<void> follow(pid_t child, Usage& usage) {
  rusage used{};
  for (int status = 0;;) {
    if (::wait4(child, &status, __WALL, &used) < 0) {
      if (errno == EINTR) continue;
      return fail(host::errno_fault("cannot wait for a program", errno));
    }
    if (WIFEXITED(status) || WIFSIGNALED(status)) {
      usage.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
      usage.cpu_us = microseconds(used.ru_utime) + microseconds(used.ru_stime);
      return {};
    }
    const bool at_its_exit = status >> 8 == (SIGTRAP | (PTRACE_EVENT_EXIT << 8));
    if (at_its_exit) usage.peak_bytes = TRY(peak_bytes_of(child));
    const bool a_signal = status >> 16 == 0 && WSTOPSIG(status) != SIGTRAP;
    ::ptrace(PTRACE_CONT, child, nullptr, a_signal ? WSTOPSIG(status) : 0);
  }
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> chunk{};
  for (ssize_t got = 0; (got = ::read(fd, chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  return text;
}

/// The lines of a trace that count, as one letter each: R request, P request that is a PUT, C connection, S
/// sync.
Result<std::string> letters_of(const fs::path& trace, int port) {
  const Bytes bytes = TRY(host::read_file(trace, kMaxTrace));
  const std::string there = "sin_port=htons(" + std::to_string(port) + ")";
  std::string letters;
  std::string_view text = as_text(bytes);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto has = [line](std::string_view what) { return line.find(what) != std::string_view::npos; };
    if (has("resumed>")) continue;
    if (has("\"PUT /")) {
      letters += 'P';
    } else if (has("\"GET /") || has("\"POST /")) {
      letters += 'R';
    } else if (has("connect(") && has(there)) {
      letters += 'C';
    } else if (has("fsync(") || has("fdatasync(")) {
      letters += 'S';
    }
  }
  return letters;
}

Calls count(std::string_view letters) {
  Calls calls;
  for (const char letter : letters) {
    if (letter == 'P' || letter == 'R') ++calls.requests;
    if (letter == 'C') ++calls.connections;
    if (letter == 'S') ++calls.syncs;
  }
  return calls;
}

}  // namespace

Result<Usage> measure(const world::Command& command) {
  std::array<int, 2> go{};
  std::array<int, 2> out{};
  if (::pipe2(go.data(), O_CLOEXEC) != 0 || ::pipe2(out.data(), O_CLOEXEC) != 0) {
    return fail(host::errno_fault("cannot make a pipe", errno));
  }
  const pid_t child = ::fork();
  if (child < 0) return fail(host::errno_fault("cannot start " + command.program.string(), errno));
  if (child == 0) {
    ::close(go[1]);
    become(command, go[0], out[1]);
  }
  ::close(go[0]);
  ::close(out[1]);
  Usage usage;
  const bool seized = ::ptrace(PTRACE_SEIZE, child, nullptr, PTRACE_O_TRACEEXIT) == 0;
  const int reason = errno;
  const auto start = Steady::now();
  ::close(go[1]);
  const Result<void> followed = follow(child, usage);
  usage.wall_us = microseconds_since(start);
  usage.out = read_all(out[0]);
  ::close(out[0]);
  if (!seized) return fail(host::errno_fault("cannot watch " + command.program.string(), reason));
  TRY(followed);
  return usage;
}

Result<Usage> measure_well(const world::Command& command) {
  Usage usage = TRY(measure(command));
  if (usage.exit_code == 0) return usage;
  return fault(Fault::Kind::Io, command.program.filename().string() + " ended with " +
                                    std::to_string(usage.exit_code) + ": " + usage.out);
}

Result<double> peak_bytes_of(pid_t process) {
  std::ifstream status("/proc/" + std::to_string(process) + "/status");
  for (std::string word; status >> word;) {
    double kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  return fault(Fault::Kind::NotFound, "process " + std::to_string(process) + " does not say its peak memory");
}

Result<double> cpu_us_of(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/schedstat");
  double nanoseconds = 0;
  if (stat >> nanoseconds) return nanoseconds / 1000;
  return fault(Fault::Kind::NotFound, "process " + std::to_string(process) + " does not say its CPU time");
}

double cpu_us_of(const std::function<void()>& work) {
  const auto now = [] {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
  };
  const double start = now();
  work();
  return now() - start;
}

double wall_us_of(const std::function<void()>& work) {
  const auto start = Steady::now();
  work();
  return microseconds_since(start);
}

Result<Calls> calls_in(const fs::path& trace, int port) { return count(TRY(letters_of(trace, port))); }

Result<Calls> calls_per_poll(const fs::path& trace, int port) {
  const std::string letters = TRY(letters_of(trace, port));
  const auto first = letters.find('P');
  const auto last = letters.rfind('P');
  if (first == last) return fault(Fault::Kind::Io, "the trace shows no two polls");
  const auto polls =
      static_cast<double>(std::count(letters.begin() + static_cast<std::ptrdiff_t>(first),
                                     letters.begin() + static_cast<std::ptrdiff_t>(last), 'P'));
  Calls calls = count(std::string_view(letters).substr(first, last - first));
  calls.requests /= polls;
  calls.connections /= polls;
  calls.syncs /= polls;
  return calls;
}

world::Command strace(const fs::path& trace, std::vector<std::string> what) {
  std::vector<std::string> words{"-f", "-qq",          "-s", "16",
                                 "-o", trace.string(), "-e", "trace=connect,sendto,fsync,fdatasync"};
  words.insert(words.end(), what.begin(), what.end());
  return {"/usr/bin/strace", std::move(words), {}, trace.string() + ".log"};
}

Result<double> stripped_bytes(const fs::path& program, const fs::path& scratch) {
  const fs::path copy = scratch / (program.filename().string() + ".stripped");
  TRY(world::run_well({"/usr/bin/strip", {"-o", copy.string(), program.string()}, {}, {}}));
  std::error_code error;
  const auto size = fs::file_size(copy, error);
  if (error) return fail(host::errno_fault("cannot look at " + copy.string(), error.value()));
  return static_cast<double>(size);
}

}  // namespace cotter::bench
