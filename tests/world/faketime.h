// Another time for the programs that we start: libfaketime, preloaded by us and not by its wrapper.
//
// Programs under libfaketime share a semaphore and a piece of memory. Left alone, the library (and its
// wrapper) names them by process id, and a program that is killed, or a shell that ends in its own way,
// leaves them behind: the next one with that id then ends before it begins ("sem_open: File exists"). So the
// pair is ours: one for each Faketime, under a name that nobody else has, gone with it. Programs may outlive
// neither. One thread.
#pragma once

#include <map>
#include <string>

#include "common/base/result.h"

namespace cotter::world {

class Faketime {
 public:
  /// Faults: NotFound (no libfaketime on this machine), Io.
  static Result<Faketime> create();
  ~Faketime();
  Faketime(Faketime&& other) noexcept;
  Faketime& operator=(Faketime&& other) noexcept;

  /// What a program must find in its environment. `clock` is as libfaketime reads it: "+90d", "@2001-01-01
  /// 00:00:00".
  [[nodiscard]] std::map<std::string, std::string> environment(const std::string& clock) const;

  /// Where the library lies. Fault: NotFound.
  static Result<std::string> find_library();

 private:
  Faketime(std::string library, std::string name) : library_(std::move(library)), name_(std::move(name)) {}
  std::string library_;
  std::string name_;  ///< of the semaphore and of the memory; empty: moved away
};

}  // namespace cotter::world
