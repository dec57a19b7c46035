// Downloaded images by their SHA-256, parts that a later cycle resumes, and backups of ECUs that have one
// slot. Never calls an image complete before an ImageCheck has passed over every byte that lies on disk. One
// thread.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "client/dispatch/dispatcher.h"
#include "common/base/result.h"
#include "common/disk/disk.h"
#include "common/trust/uptane_match.h"

namespace cotter::client {

class ImageStore : public ImageShelf {
 public:
  /// Below `dir` (made when missing): images/, parts/, backups/. The disk must outlive it. Faults: Io,
  /// Denied.
  static Result<ImageStore> open(disk::Disk& disk, std::filesystem::path dir);

  /// Sends a range of an image, from an offset to its end, to a sink.
  using Fetch =
      std::function<Result<void>(std::uint64_t offset, const std::function<Result<void>(ByteView)>& sink)>;
  /// Has the image afterwards: there already and still whole, resumed from a part, or fetched whole. A part
  /// that turns out wrong is deleted (GAP-33), and fetched anew at once where an earlier run began it, for a
  /// power cut may have torn it; it stays when only the network failed. Rejections: image-*. Faults: of
  /// `fetch`; Io, NoSpace.
  Result<void> obtain(const trust::Assignment& assignment, const Fetch& fetch);
  /// Deletes images that none of these needs, and all parts of others.
  Result<void> keep_only(const std::vector<trust::Assignment>& needed);

  Result<std::unique_ptr<ImageSource>> image(const trust::Assignment& assignment) override;
  Result<std::unique_ptr<ImageSink>> new_backup(const EcuSerial& ecu) override;
  Result<void> keep_backup(const EcuSerial& ecu) override;
  Result<std::unique_ptr<ImageSource>> backup(const EcuSerial& ecu) override;

 private:
  ImageStore(disk::Disk& disk, std::filesystem::path dir) : disk_(&disk), dir_(std::move(dir)) {}
  [[nodiscard]] std::string image_path(const trust::Assignment& assignment) const;
  [[nodiscard]] std::string part_path(const trust::Assignment& assignment) const;
  [[nodiscard]] std::string backup_path(const EcuSerial& ecu) const;
  Result<void> fetch_into_part(const trust::Assignment& assignment, const Fetch& fetch, bool& resumed);
  Result<std::unique_ptr<ImageSource>> source_of(const std::string& path);
  disk::Disk* disk_;
  std::filesystem::path dir_;
};

}  // namespace cotter::client
