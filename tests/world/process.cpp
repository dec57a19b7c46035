#include "tests/world/process.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "common/host/atomic_file.h"
#include "tests/world/exec_words.h"

namespace cotter::world {
namespace {

using Steady = std::chrono::steady_clock;

/// Both ends of a pipe; what is left open closes with it.
struct Pipe {
  std::array<int, 2> ends{-1, -1};
  ~Pipe() {
    for (const int end : ends) {
      if (end >= 0) ::close(end);
    }
  }
  Result<void> open() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(host::errno_fault("cannot make a pipe", errno));
    return {};
  }
  int take(std::size_t end) { return std::exchange(ends.at(end), -1); }
};

[[noreturn]] void become(const ExecWords& words, pid_t parent, int out, int err) {
  // The parent's death must not leave us behind; a parent that died before this line is caught by the check
  // after it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);
  ::dup2(out, STDOUT_FILENO);
  if (err >= 0) ::dup2(err, STDERR_FILENO);
  const int nothing = ::open("/dev/null", O_RDONLY);
  ::dup2(nothing, STDIN_FILENO);
  words.become();
}

Result<pid_t> spawn(const Command& command, int out, int err) {
  if (::access(command.program.c_str(), X_OK) != 0) {
    return fault(Fault::Kind::NotFound, "there is no program " + command.program.string(),
                 "build it: ./dev build");
  }
  std::vector<std::string> arguments{command.program.string()};
  arguments.insert(arguments.end(), command.arguments.begin(), command.arguments.end());
  const ExecWords words(std::move(arguments), command.environment, command.without);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return fail(host::errno_fault("cannot start " + command.program.string(), errno));
  if (pid == 0) become(words, parent, out, err);
  return pid;
}

Result<int> open_log(const Command& command) {
  const int fd = ::open(command.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, host::kSecretFile);
  if (fd < 0) return fail(host::errno_fault("cannot write " + command.log.string(), errno));
  return fd;
}

int exit_code_of_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int milliseconds_to(Steady::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Steady::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

/// Reads both pipes to their ends. false: the deadline came first.
bool drain(int out, int err, Ended& ended, Steady::time_point deadline) {
  std::array<pollfd, 2> watched{pollfd{out, POLLIN, 0}, pollfd{err, POLLIN, 0}};
  std::array<std::string*, 2> sinks{&ended.out, &ended.err};
  while (watched[0].fd >= 0 || watched[1].fd >= 0) {
    if (::poll(watched.data(), watched.size(), milliseconds_to(deadline)) == 0) return false;
    for (std::size_t i = 0; i < watched.size(); ++i) {
      if (watched.at(i).fd < 0 || watched.at(i).revents == 0) continue;
      std::array<char, 4096> chunk{};
      const ssize_t got = ::read(watched.at(i).fd, chunk.data(), chunk.size());
      if (got > 0) sinks.at(i)->append(chunk.data(), static_cast<std::size_t>(got));
      if (got == 0 || (got < 0 && errno != EINTR)) watched.at(i).fd = -1;
    }
  }
  return true;
}

}  // namespace

Result<Ended> run(const Command& command, std::chrono::seconds limit) {
  Pipe out;
  Pipe err;
  TRY(out.open());
  TRY(err.open());
  if (!command.log.empty()) {
    ::close(err.take(1));
    err.ends[1] = TRY(open_log(command));
  }
  const pid_t pid = TRY(spawn(command, out.ends[1], err.ends[1]));
  ::close(out.take(1));
  ::close(err.take(1));
  Ended ended;
  const bool in_time = drain(out.ends[0], err.ends[0], ended, Steady::now() + limit);
  if (!in_time) ::kill(pid, SIGKILL);
  int status = 0;
  ::waitpid(pid, &status, 0);
  ended.exit_code = exit_code_of_status(status);
  if (!in_time)
    return fault(Fault::Kind::Timeout, command.program.filename().string() + " did not end in time");
  return ended;
}

Result<std::string> run_well(const Command& command, std::chrono::seconds limit) {
  Ended ended = TRY(run(command, limit));
  if (ended.exit_code == 0) return std::move(ended.out);
  std::string said = command.program.filename().string();
  for (const std::string& argument : command.arguments) said += " " + argument;
  return fault(Fault::Kind::Io, said + " ended with " + std::to_string(ended.exit_code) + ": " + ended.err);
}

Result<Daemon> Daemon::start(const Command& command) {
  Pipe out;
  TRY(out.open());
  const int log = command.log.empty() ? -1 : TRY(open_log(command));
  const auto pid = spawn(command, out.ends[1], log);
  if (log >= 0) ::close(log);
  return Daemon(TRY(pid), out.take(0));
}

Daemon::Daemon(Daemon&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      out_(std::exchange(other.out_, -1)),
      buffer_(std::move(other.buffer_)) {}

Daemon& Daemon::operator=(Daemon&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(out_, other.out_);
  std::swap(buffer_, other.buffer_);
  return *this;
}

Daemon::~Daemon() {
  kill();
  if (out_ >= 0) ::close(out_);
}

Result<std::string> Daemon::read_line(std::chrono::seconds limit) {
  const auto deadline = Steady::now() + limit;
  for (;;) {
    if (const auto end = buffer_.find('\n'); end != std::string::npos) {
      std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      return line;
    }
    pollfd watched{out_, POLLIN, 0};
    if (::poll(&watched, 1, milliseconds_to(deadline)) == 0) {
      return fault(Fault::Kind::Timeout, "the program said nothing in time");
    }
    std::array<char, 1024> chunk{};
    const ssize_t got = ::read(out_, chunk.data(), chunk.size());
    if (got == 0) return fault(Fault::Kind::Io, "the program ended before it said anything");
    if (got > 0) buffer_.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

std::optional<int> Daemon::wait_until(Steady::time_point deadline) {
  int status = 0;
  for (;;) {
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) {
      pid_ = -1;
      return exit_code_of_status(status);
    }
    if (ended < 0 || Steady::now() >= deadline) return std::nullopt;
    ::poll(nullptr, 0, 5);
  }
}

int Daemon::stop(std::chrono::seconds limit) {
  if (pid_ < 0) return -1;
  ::kill(pid_, SIGTERM);
  if (const auto code = wait_until(Steady::now() + limit)) return *code;
  kill();
  return 128 + SIGKILL;
}

void Daemon::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
}

bool Daemon::running() { return pid_ >= 0 && !wait_until(Steady::now()); }

Result<int> free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  const bool bound = fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
                     ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  if (fd >= 0) ::close(fd);
  if (!bound) return fail(host::errno_fault("cannot find a free port", errno));
  return ntohs(address.sin_port);
}

}  // namespace cotter::world
