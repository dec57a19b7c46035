// swtpm: a TPM 2.0 in a process of its own, on a port of its own, without the hardware. Its state lies in a
// folder and outlives it, as a chip's does. One thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "tests/world/process.h"

namespace cotter::world {

class SoftTpm {
 public:
  /// Powers it on with the state in `dir`; waits until it listens. Faults: NotFound (is swtpm installed?),
  /// Timeout.
  static Result<SoftTpm> start(const std::filesystem::path& dir);

  [[nodiscard]] int port() const noexcept { return port_; }
  /// As tss2 spells it.
  [[nodiscard]] std::string tcti() const { return "swtpm:host=127.0.0.1,port=" + std::to_string(port_); }
  /// One of tpm2-tools, another maker's, on this TPM.
  Result<std::string> tool(const std::string& name, std::vector<std::string> arguments) const;

 private:
  SoftTpm(std::filesystem::path dir, int port, Daemon daemon)
      : dir_(std::move(dir)), port_(port), daemon_(std::move(daemon)) {}
  static Result<SoftTpm> try_to_start(const std::filesystem::path& dir,
                                      std::chrono::steady_clock::time_point patience);
  std::filesystem::path dir_;
  int port_;
  Daemon daemon_;
};

}  // namespace cotter::world
