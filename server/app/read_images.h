// The files of a release, each read once: hashed, and copied into the repository's incoming folder.
// Never reads again what a release that was stopped had read, unless it changed. One thread, but for the
// reading, for which it has some of its own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <vector>

#include "common/base/result.h"
#include "server/app/release_manifest.h"
#include "server/repository/image_store.h"
#include "server/repository/taken_images.h"

namespace cotter::app {

/// A file of the manifest.
struct SourceFile {
  std::vector<std::size_t> artifacts;                ///< that are made of it, by place; at least one
  std::optional<repository::IncomingImage> image{};  ///< once it is read
};
std::vector<SourceFile> source_files(const std::vector<Artifact>& artifacts);

/// How many bytes it read, of those that `taken` has not. `taken`: none where no copies are made; it and the
/// files outlive each other's use. `progress`: of how many, on the caller's thread. Faults: those of
/// take_in(), of all files at once.
Result<std::uint64_t> read_images(
    repository::TakenImages* taken, std::vector<SourceFile>& files, const std::vector<Artifact>& artifacts,
    const std::function<void(std::uint64_t done, std::uint64_t total)>& progress);

}  // namespace cotter::app
