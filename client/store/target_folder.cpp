#include "client/store/target_folder.h"

#include <utility>

#include "client/store/local_name.h"
#include "common/disk/files.h"
#include "common/trust/image_check.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;

/// No target's name is encoded to a percent sign before a 'p'.
constexpr std::string_view kPassing = "%partial-";
constexpr std::size_t kChunk = 64 * 1024;

/// Tries one passing name after another until `take` finds one that nobody has. One process at a time: few
/// are taken.
template <class Take>
Result<std::string> unused_name(const std::string& folder, Take take) {
  for (int i = 0;; ++i) {
    std::string name = folder + "/" + std::string(kPassing) + std::to_string(i);
    const Result<void> taken = take(name);
    if (taken) return name;
    if (!is_fault(taken.error(), Fault::Kind::Conflict)) return fail(taken.error());
  }
}

Result<void> pass(const disk::File& file, std::uint64_t size, trust::ImageCheck check) {
  for (std::uint64_t offset = 0; offset < size;) {
    const Bytes chunk = TRY(file.read_at(offset, kChunk));
    if (chunk.empty()) break;
    TRY(check.write(chunk));
    offset += chunk.size();
  }
  return check.finish();
}

}  // namespace

IncomingTarget::IncomingTarget(disk::Disk& disk, std::unique_ptr<disk::File> file, std::string passing,
                               std::string final_path)
    : disk_(&disk), file_(std::move(file)), passing_(std::move(passing)), final_(std::move(final_path)) {}

IncomingTarget::IncomingTarget(IncomingTarget&& other) noexcept
    : disk_(other.disk_),
      file_(std::move(other.file_)),
      size_(other.size_),
      passing_(std::exchange(other.passing_, {})),
      final_(std::move(other.final_)) {}

IncomingTarget::~IncomingTarget() {
  if (!passing_.empty()) static_cast<void>(disk_->remove(passing_));  // the next open() clears it away
}

Result<void> IncomingTarget::write(ByteView chunk) {
  TRY(file_->write_at(size_, chunk));
  size_ += chunk.size();
  return {};
}

Result<void> IncomingTarget::give_passing_name(const std::string& folder) {
  TRY(file_->sync());
  if (!passing_.empty()) return {};
  passing_ =
      TRY(unused_name(folder, [&](const std::string& name) { return disk_->give_name(*file_, name); }));
  return {};
}

Result<TargetFolder> TargetFolder::open(disk::Disk& disk, fs::path folder) {
  TRY(disk::make_folders(disk, folder.string()));
  for (const std::string& name : TRY(disk.list(folder.string()))) {
    if (name.starts_with(kPassing)) TRY(disk.remove((folder / name).string()));
  }
  return TargetFolder(disk, std::move(folder));
}

fs::path TargetFolder::path_of(const TargetName& name) const { return folder_ / local_name(name.value()); }

bool TargetFolder::has(const TargetName& name, const model::Target& target) const {
  const std::string path = path_of(name).string();
  const auto entry = disk_->look_at(path);  // a link is none of ours
  if (!entry || !*entry || (*entry)->kind != disk::Entry::Kind::File || (*entry)->size != target.length) {
    return false;
  }
  const auto file = disk_->open(path, disk::Opening::Read);
  return file && pass(**file, target.length, trust::ImageCheck(target));
}

Result<IncomingTarget> TargetFolder::receive(const TargetName& name) const {
  const std::string path = path_of(name).string();
  auto nameless = disk_->open_nameless(folder_.string(), disk::kPublicFile);
  if (nameless) return IncomingTarget(*disk_, std::move(*nameless), {}, path);
  std::unique_ptr<disk::File> file;
  std::string passing = TRY(unused_name(folder_.string(), [&](const std::string& unused) -> Result<void> {
    file = TRY(disk_->open(unused, disk::Opening::MakeNew));
    return {};
  }));
  return IncomingTarget(*disk_, std::move(file), std::move(passing), path);
}

Result<void> TargetFolder::publish(std::vector<IncomingTarget> targets) const {
  for (IncomingTarget& target : targets) TRY(target.give_passing_name(folder_.string()));
  for (IncomingTarget& target : targets) {
    TRY(disk_->rename(target.passing_, target.final_));
    target.passing_.clear();
  }
  return disk_->sync_folder(folder_.string());
}

}  // namespace cotter::client
