#include "client/store/image_store.h"

#include <set>
#include <utility>

#include "common/disk/files.h"
#include "common/model/file_names.h"
#include "common/trust/image_check.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kChunk = 256 * 1024;

class FileSource final : public ImageSource {
 public:
  FileSource(std::unique_ptr<disk::File> file, std::uint64_t size) : file_(std::move(file)), size_(size) {}
  [[nodiscard]] std::uint64_t size() const override { return size_; }
  Result<Bytes> read(std::uint64_t offset, std::size_t max) override { return file_->read_at(offset, max); }

 private:
  std::unique_ptr<disk::File> file_;
  std::uint64_t size_;
};

class FileSink final : public ImageSink {
 public:
  explicit FileSink(std::unique_ptr<disk::File> file) : file_(std::move(file)) {}
  Result<void> write(ByteView chunk) override {
    TRY(file_->write_at(size_, chunk));
    size_ += chunk.size();
    return {};
  }

 private:
  std::unique_ptr<disk::File> file_;
  std::uint64_t size_ = 0;
};

/// Feeds what an earlier cycle left to the check, so that the hash covers every byte on disk, resumed or not.
Result<void> check_part(const disk::File& file, std::uint64_t size, trust::ImageCheck& check) {
  for (std::uint64_t offset = 0; offset < size;) {
    const Bytes chunk = TRY(file.read_at(offset, kChunk));
    if (chunk.empty()) break;
    TRY(check.write(chunk));
    offset += chunk.size();
  }
  return {};
}

/// Whether the whole image lies there, as the metadata lists it.
Result<bool> holds(disk::Disk& disk, const std::string& path, const model::Target& target) {
  if (!TRY(disk.look_at(path))) return false;
  const auto file = TRY(disk.open(path, disk::Opening::Read));
  trust::ImageCheck check(target);
  return check_part(*file, TRY(file->size()), check) && check.finish();
}

/// Bytes that break a rule are worth nothing to a later cycle; bytes that merely stopped coming are.
bool spoils_part(const Error& error) {
  const Rejection* why = rejection_in(error);
  return why != nullptr && why->rule != RuleId::TransferTooSlow && why->rule != RuleId::ImageTooShort;
}

Result<void> rename_durably(disk::Disk& disk, const std::string& from, const std::string& to) {
  TRY(disk.rename(from, to));
  return disk::sync_folder_of(disk, to);
}

}  // namespace

Result<ImageStore> ImageStore::open(disk::Disk& disk, fs::path dir) {
  TRY(disk::make_folders(disk, dir.string()));
  bool made = false;
  for (const char* name : {"images", "parts", "backups"}) {
    const std::string folder = (dir / name).string();
    if (TRY(disk.look_at(folder))) continue;
    TRY(disk.make_folder(folder));
    made = true;
  }
  if (made) TRY(disk.sync_folder(dir.string()));
  return ImageStore(disk, std::move(dir));
}

std::string ImageStore::image_path(const trust::Assignment& assignment) const {
  // Both functions are checked before anything lies here; the stronger name would do as well.
  const auto& digests = assignment.target().hashes.all();
  return (dir_ / "images" / to_hex(digests.begin()->second)).string();
}

std::string ImageStore::part_path(const trust::Assignment& assignment) const {
  return (dir_ / "parts" / disk::file_name_of(image_path(assignment))).string();
}

std::string ImageStore::backup_path(const EcuSerial& ecu) const {
  return (dir_ / "backups" / model::percent_encoded_segment(ecu.value())).string();
}

Result<void> ImageStore::fetch_into_part(const trust::Assignment& assignment, const Fetch& fetch,
                                         bool& resumed) {
  const std::unique_ptr<disk::File> file =
      TRY(disk_->open(part_path(assignment), disk::Opening::Make, disk::kSecretFile));
  trust::ImageCheck check(assignment.target());
  const std::uint64_t before = TRY(file->size());
  resumed = before > 0;
  TRY(check_part(*file, before, check));
  std::uint64_t size = check.received();
  if (size < assignment.target().length) {
    TRY(fetch(size, [&](ByteView chunk) -> Result<void> {
      TRY(check.write(chunk));
      TRY(file->write_at(size, chunk));
      size += chunk.size();
      return {};
    }));
  }
  TRY(check.finish());
  return file->sync();
}

Result<void> ImageStore::obtain(const trust::Assignment& assignment, const Fetch& fetch) {
  // An image that storage has damaged since would be refused by its ECU, cycle after cycle (VER-REC).
  if (TRY(holds(*disk_, image_path(assignment), assignment.target()))) return {};
  const std::string part = part_path(assignment);
  bool resumed = false;
  Result<void> fetched = fetch_into_part(assignment, fetch, resumed);
  if (!fetched && resumed && spoils_part(fetched.error())) {
    TRY(disk_->remove(part));
    fetched = fetch_into_part(assignment, fetch, resumed);
  }
  if (fetched) return rename_durably(*disk_, part, image_path(assignment));
  if (spoils_part(fetched.error())) TRY(disk_->remove(part));
  return fail(located(concerning(fetched.error(), assignment.name().value()), Repository::Image, "targets"));
}

Result<void> ImageStore::keep_only(const std::vector<trust::Assignment>& needed) {
  std::set<std::string> names;
  for (const trust::Assignment& assignment : needed) {
    names.insert(disk::file_name_of(image_path(assignment)));
  }
  for (const char* folder : {"images", "parts"}) {
    for (const std::string& name : TRY(disk_->list((dir_ / folder).string()))) {
      if (!names.contains(name)) TRY(disk_->remove((dir_ / folder / name).string()));
    }
  }
  return {};
}

Result<std::unique_ptr<ImageSource>> ImageStore::image(const trust::Assignment& assignment) {
  return source_of(image_path(assignment));
}

Result<std::unique_ptr<ImageSink>> ImageStore::new_backup(const EcuSerial& ecu) {
  auto file = TRY(disk_->open(backup_path(ecu) + ".new", disk::Opening::Make, disk::kSecretFile));
  TRY(file->truncate(0));
  return std::unique_ptr<ImageSink>(std::make_unique<FileSink>(std::move(file)));
}

Result<void> ImageStore::keep_backup(const EcuSerial& ecu) {
  const std::string next = backup_path(ecu) + ".new";
  TRY(TRY(disk_->open(next, disk::Opening::Write))->sync());
  return rename_durably(*disk_, next, backup_path(ecu));
}

Result<std::unique_ptr<ImageSource>> ImageStore::backup(const EcuSerial& ecu) {
  return source_of(backup_path(ecu));
}

Result<std::unique_ptr<ImageSource>> ImageStore::source_of(const std::string& path) {
  auto file = TRY(disk_->open(path, disk::Opening::Read));
  const std::uint64_t size = TRY(file->size());
  return std::unique_ptr<ImageSource>(std::make_unique<FileSource>(std::move(file), size));
}

}  // namespace cotter::client
