#include "common/disk/files.h"

#include <utility>

namespace cotter::disk {
namespace {

enum class Durable : std::uint8_t { Now, Soon };

Result<void> write_new_file(Disk& disk, const std::string& path, ByteView bytes, mode_t mode, Durable when) {
  const std::unique_ptr<File> file = TRY(disk.open(path, Opening::MakeNew, mode));
  TRY(file->write_at(0, bytes));
  return when == Durable::Now ? file->sync() : Result<void>();
}

Result<void> remove_unless_missing(Disk& disk, const std::string& path) {
  if (!TRY(disk.look_at(path))) return {};
  return disk.remove(path);
}

Result<void> replace(Disk& disk, const std::string& path, ByteView bytes, mode_t mode, Durable when) {
  const std::string next = path + ".new";
  TRY(remove_unless_missing(disk, next));
  const auto attempt = [&]() -> Result<void> {
    TRY(write_new_file(disk, next, bytes, mode, when));
    return disk.rename(next, path);
  };
  if (Result<void> replaced = attempt(); !replaced) {
    static_cast<void>(disk.remove(next));  // the first reason counts
    return replaced;
  }
  return when == Durable::Now ? sync_folder_of(disk, path) : Result<void>();
}

}  // namespace

std::string folder_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string file_name_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? path : path.substr(slash + 1);
}

Result<void> replace_file(Disk& disk, const std::string& path, ByteView bytes, mode_t mode) {
  return replace(disk, path, bytes, mode, Durable::Now);
}

Result<void> replace_file_soon(Disk& disk, const std::string& path, ByteView bytes, mode_t mode) {
  return replace(disk, path, bytes, mode, Durable::Soon);
}

Result<void> create_file(Disk& disk, const std::string& path, ByteView bytes, mode_t mode) {
  if (TRY(disk.look_at(path))) return fault(Fault::Kind::Conflict, "cannot create " + path + ": it is there");
  return replace_file(disk, path, bytes, mode);
}

Result<std::optional<Bytes>> read_small_file(Disk& disk, const std::string& path, std::uint64_t max_bytes) {
  auto file = disk.open(path, Opening::Read);
  if (!file) {
    if (is_fault(file.error(), Fault::Kind::NotFound)) return std::optional<Bytes>();
    return fail(std::move(file).error());
  }
  const std::uint64_t size = TRY((*file)->size());
  if (size > max_bytes) {
    return fault(Fault::Kind::Io,
                 "cannot read " + path + ": more than " + std::to_string(max_bytes) + " bytes");
  }
  return std::optional<Bytes>(TRY((*file)->read_at(0, static_cast<std::size_t>(size))));
}

Result<void> remove_file(Disk& disk, const std::string& path) {
  if (!TRY(disk.look_at(path))) return {};
  TRY(disk.remove(path));
  return sync_folder_of(disk, path);
}

Result<void> make_folders(Disk& disk, const std::string& path, mode_t mode) {
  if (path.size() > 1 && path.back() == '/') return make_folders(disk, path.substr(0, path.size() - 1), mode);
  const auto there = TRY(disk.look_at(path));
  if (there && there->kind == Entry::Kind::Folder) return {};
  if (there && there->kind == Entry::Kind::Link) return {};  // it leads to the folder, or opening in it fails
  const std::string above = folder_of(path);
  if (above != path && above != ".") TRY(make_folders(disk, above, mode));
  TRY(disk.make_folder(path, mode));
  return disk.sync_folder(above);
}

Result<void> remove_tree(Disk& disk, const std::string& path) {
  const auto there = TRY(disk.look_at(path));
  if (!there) return {};
  if (there->kind == Entry::Kind::Folder) {
    for (std::string& name : TRY(disk.list(path))) {
      name.insert(0, path + "/");
      TRY(remove_tree(disk, name));
    }
  }
  return disk.remove(path);
}

}  // namespace cotter::disk
