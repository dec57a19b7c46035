// The director's root files, 1.root.json and on, read from the workspace and verified as a chain.
// Never serves a root that does not follow from the one before. One thread at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/trust/verified.h"

namespace cotter::app {

class DirectorRoots {
 public:
  /// Faults: NotFound (no 1.root.json), Denied, Io. Rejections: those of a root.
  static Result<DirectorRoots> read(const std::filesystem::path& director_dir);
  /// Takes the roots that were published since. Faults: Denied, Io. Rejections: those of a root.
  Result<void> read_on();
  /// As they would be read once `next`, which follows from the newest, is published.
  [[nodiscard]] DirectorRoots followed_by(const trust::Verified<model::Root>& next) const;

  /// All files in order, the first version first.
  [[nodiscard]] std::span<const Bytes> files() const noexcept { return files_; }
  [[nodiscard]] const trust::Verified<model::Root>& newest() const noexcept { return newest_; }
  /// Nothing when there is no such version.
  [[nodiscard]] std::optional<Bytes> file(Version version) const;

 private:
  DirectorRoots(std::filesystem::path dir, trust::Verified<model::Root> first)
      : dir_(std::move(dir)), newest_(std::move(first)) {}
  std::filesystem::path dir_;
  std::vector<Bytes> files_;
  trust::Verified<model::Root> newest_;
};

}  // namespace cotter::app
