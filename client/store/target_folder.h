// The folder that downloaded targets are kept in, each under its whole name percent-encoded into one segment.
// Never shows a file that was not verified, never half a file. One process at a time.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/disk/disk.h"
#include "common/model/roles.h"

namespace cotter::client {

/// A target on its way in. It has no name in the folder until it is published, so that nothing is left of it
/// however this process ends; where the file system has no such files, it has a passing name.
class IncomingTarget {
 public:
  ~IncomingTarget();
  IncomingTarget(IncomingTarget&&) noexcept;
  IncomingTarget& operator=(IncomingTarget&&) = delete;
  /// Faults: NoSpace, Io.
  Result<void> write(ByteView chunk);

 private:
  friend class TargetFolder;
  IncomingTarget(disk::Disk& disk, std::unique_ptr<disk::File> file, std::string passing,
                 std::string final_path);
  Result<void> give_passing_name(const std::string& folder);
  disk::Disk* disk_;
  std::unique_ptr<disk::File> file_;
  std::uint64_t size_ = 0;
  std::string passing_;  ///< empty: no name yet
  std::string final_;
};

class TargetFolder {
 public:
  /// Makes the folder when it is missing, and clears away what a killed process left. The disk must
  /// outlive it. Faults: Io, Denied.
  static Result<TargetFolder> open(disk::Disk& disk, std::filesystem::path folder);

  /// Where it is, or would be.
  [[nodiscard]] std::filesystem::path path_of(const TargetName& name) const;
  /// Whether the target is there: right length, and every listed hash.
  [[nodiscard]] bool has(const TargetName& name, const model::Target& target) const;
  /// Faults: NoSpace, Denied, Io.
  Result<IncomingTarget> receive(const TargetName& name) const;
  /// Gives each its name, replacing what had it; call it only with verified targets. What can fail is done
  /// for all of them before the first shows. Durable on return. Faults: NoSpace, Io.
  Result<void> publish(std::vector<IncomingTarget> targets) const;

 private:
  TargetFolder(disk::Disk& disk, std::filesystem::path folder) : disk_(&disk), folder_(std::move(folder)) {}
  disk::Disk* disk_;
  std::filesystem::path folder_;
};

}  // namespace cotter::client
