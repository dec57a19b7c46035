// What one release lists, as a file for people and their build servers: TOML, an [[artifact]] each.
// Never guesses: a key of another kind, a missing one and an unknown one are errors, all told at once, by
// line. A plain value.
//
//   role = "firmware"               # of all that name no other; may be left out where each names one
//
//   [[artifact]]
//   file = "out/brake.bin"          # from this file's folder
//   name = "brakes/mk4/brake.bin"
//   hardware_ids = ["brake-mk4"]
//   version = "3.1.0"
//   release_counter = 7             # may be left out
//   role = "tools"                  # likewise: which release role lists it
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "server/repository/publisher.h"

namespace cotter::app {

/// An image to be released, and where it was said: "release.toml, line 12".
struct Artifact {
  std::filesystem::path file;
  repository::Release release;  ///< length and hashes are found out when it is read
  std::string where{};
  std::optional<RoleName> role{};  ///< that lists it; none: the manifest's
};

struct ReleaseManifest {
  RoleName role;                    ///< of artifacts that name none
  std::vector<Artifact> artifacts;  ///< at least one, each name once

  [[nodiscard]] const RoleName& role_of(const Artifact& artifact) const {
    return artifact.role ? *artifact.role : role;
  }
  [[nodiscard]] std::set<RoleName> roles() const;  ///< that list an artifact

  static constexpr std::size_t kMostRoles = 64;  ///< one entry of the ledger tells of all of them
  static constexpr std::uint64_t kMaxBytes = 64 * 1024 * 1024;  ///< a quarter of a million artifacts
  /// Faults: Usage (all that is wrong with it), NotFound, Denied, Io.
  static Result<ReleaseManifest> read(const std::filesystem::path& file);
};

/// What is wrong, gathered so that all of it is told at once.
class Findings {
 public:
  void add(const std::string& where, const Error& error);
  void add(const Findings& others);
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// Fault of the first finding's kind (Rejections: Denied): "12 things are wrong:" and a line for each, of
  /// the first kMostLines.
  Result<void> verdict() const;

 private:
  static constexpr std::size_t kMostLines = 50;
  std::vector<std::string> lines_;
  std::string hint_;
  Fault::Kind kind_ = Fault::Kind::Denied;
  std::size_t count_ = 0;
};

}  // namespace cotter::app
