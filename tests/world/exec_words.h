// What execve() is told, laid out before the fork: of a program that has threads, the child may not allocate,
// for another thread may have held the allocator's lock, and nobody is there to let it go. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cotter::world {

class ExecWords {
 public:
  /// `arguments` begins with the program. The environment is ours with `changes` added or put in place, and
  /// without `taken`.
  ExecWords(std::vector<std::string> arguments, const std::map<std::string, std::string>& changes,
            const std::vector<std::string>& taken = {});
  ExecWords(const ExecWords&) = delete;
  ExecWords& operator=(const ExecWords&) = delete;

  /// Becomes the program, or ends with 127. Allocates nothing.
  [[noreturn]] void become() const;

 private:
  std::vector<std::string> arguments_, environment_;
  std::vector<char*> argument_pointers_, environment_pointers_;
};

}  // namespace cotter::world
