// A real program as a child: started, read from, waited for, killed. For the demo and the tests of whole
// programs. Never leaves a child behind: it dies with its owner, however that ends. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace cotter::world {

struct Command {
  std::filesystem::path program;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;  ///< added to ours
  std::filesystem::path log;                       ///< stderr is appended here; empty: ours
  std::vector<std::string> without{};              ///< variables that it must not inherit from us
};

struct Ended {
  int exit_code = -1;  ///< 128 + signal when killed
  std::string out;
  std::string err;  ///< only of run() without a log
};

/// Runs to its end. Faults: NotFound (no such program), Timeout (killed then), Io.
Result<Ended> run(const Command& command, std::chrono::seconds limit = std::chrono::seconds(60));
/// run(), and an exit code of 0 or a Fault that quotes what it said.
Result<std::string> run_well(const Command& command, std::chrono::seconds limit = std::chrono::seconds(60));

class Daemon {
 public:
  static Result<Daemon> start(const Command& command);
  ~Daemon();
  Daemon(Daemon&& other) noexcept;
  Daemon& operator=(Daemon&& other) noexcept;

  /// The next line of its stdout. Faults: Timeout, Io (it ended).
  Result<std::string> read_line(std::chrono::seconds limit = std::chrono::seconds(20));
  /// SIGTERM, then its exit code; SIGKILL when it does not end within `limit`.
  int stop(std::chrono::seconds limit = std::chrono::seconds(10));
  /// SIGKILL: as a power cut would end it.
  void kill();
  [[nodiscard]] bool running();
  [[nodiscard]] pid_t pid() const noexcept { return pid_; }

 private:
  Daemon(pid_t pid, int out) : pid_(pid), out_(out) {}
  std::optional<int> wait_until(std::chrono::steady_clock::time_point deadline);
  pid_t pid_ = -1;
  int out_ = -1;
  std::string buffer_;
};

/// A loopback port that was free a moment ago, for a program that must be told one beforehand.
Result<int> free_port();

}  // namespace cotter::world
