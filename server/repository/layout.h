// Where a published image repository keeps its files: the only place on the server that spells such a path.
// Never a path outside the repository's folder, for names come from common/model/file_names.h. A plain value.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

#include "common/base/strong.h"

namespace cotter::repository {

class Layout {
 public:
  explicit Layout(std::filesystem::path dir) : dir_(std::move(dir)) {}

  [[nodiscard]] const std::filesystem::path& dir() const noexcept { return dir_; }
  /// "7.targets.json"; without a version "timestamp.json" (FMT-100).
  [[nodiscard]] std::filesystem::path metadata(const RoleName& role, std::optional<Version> version) const;
  [[nodiscard]] std::filesystem::path root(Version version) const;
  /// "7.targets.json.gz", beside the file that it says again.
  [[nodiscard]] std::filesystem::path packed_metadata(const RoleName& role, Version version) const;
  /// targets/dir/HASH.file.bin (FMT-101). `name` is a safe target name.
  [[nodiscard]] std::string image(const TargetName& name, std::string_view digest_hex) const;
  /// Files that are not published yet; on the same file system, closed to web servers (0700), emptied at
  /// will.
  [[nodiscard]] std::filesystem::path incoming_dir() const { return dir_ / ".incoming"; }
  /// Within it: what a release has read that is not published yet. Left alone when the rest is emptied, while
  /// there is a journal in it.
  [[nodiscard]] std::filesystem::path taken_dir() const { return incoming_dir() / "taken"; }
  /// What in it is remembered; without it nothing is.
  [[nodiscard]] std::filesystem::path taken_journal() const { return taken_dir() / "journal"; }
  /// Held by the one writer.
  [[nodiscard]] std::filesystem::path lock() const { return incoming_dir() / "lock"; }

 private:
  std::filesystem::path dir_;
};

/// What the name of a packed metadata file has behind that of the plain one.
inline constexpr std::string_view kPackedEnd = ".gz";

/// A path below the repository's base, as URLs have it, for one image and one of its hashes: "targets/…".
std::string image_url_path(const TargetName& name, std::string_view digest_hex);

}  // namespace cotter::repository
