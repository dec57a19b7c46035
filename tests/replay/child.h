// A command of another party's client as a child: started, waited for with a deadline, ended with all that it
// started. Its output goes to files, so that what it leaves running holds nobody up. One thread.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace cotter::replay {

struct ChildOrder {
  std::vector<std::string> arguments;              ///< the program, by path, and what it is given
  std::map<std::string, std::string> environment;  ///< added to ours
  std::filesystem::path out;                       ///< stdout, from its beginning
  std::filesystem::path err;                       ///< stderr, appended
};

class Child {
 public:
  /// Fault: Io. A program that cannot be run ends with 127, as in a shell.
  static Result<Child> start(const ChildOrder& order);
  ~Child();
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;

  /// Its exit code (128 + signal when it was killed); nothing when it still runs at the end of `limit`.
  std::optional<int> wait(std::chrono::milliseconds limit);
  /// SIGTERM, and SIGKILL when that is not enough; with its whole process group.
  void stop(std::chrono::milliseconds limit = std::chrono::seconds(2));

 private:
  explicit Child(pid_t pid) : pid_(pid) {}
  pid_t pid_ = -1;
};

/// SIGINT, SIGTERM and SIGHUP end our children before they end us. Call it before there are threads.
void end_children_when_signalled();
/// From here on whatever a child leaves running becomes ours (PR_SET_CHILD_SUBREAPER).
void adopt_strays();
/// Kills every process that is ours now, and what they leave, until there is none.
void kill_strays();

}  // namespace cotter::replay
