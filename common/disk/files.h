// What clients do with whole small files and folders, made of a Disk's single operations.
// Never leaves half a file under its real name, whenever the power goes. One thread.
#pragma once

#include <string>

#include "common/disk/disk.h"

namespace cotter::disk {

/// "/x/y" of "/x/y/z"; "." of a bare name.
std::string folder_of(const std::string& path);
std::string file_name_of(const std::string& path);
inline Result<void> sync_folder_of(Disk& disk, const std::string& path) {
  return disk.sync_folder(folder_of(path));
}

/// After a power cut the file holds the old bytes or the new; durable on return, with exactly `mode`. What a
/// cut leaves is PATH.new, which the next call replaces.
Result<void> replace_file(Disk& disk, const std::string& path, ByteView bytes, mode_t mode = kPublicFile);
/// The same without a sync: whole for whoever reads it meanwhile, but a power cut may leave neither.
Result<void> replace_file_soon(Disk& disk, const std::string& path, ByteView bytes,
                               mode_t mode = kPublicFile);
/// replace_file() where nothing may be replaced. Fault: Conflict.
Result<void> create_file(Disk& disk, const std::string& path, ByteView bytes, mode_t mode = kPublicFile);
/// Nothing when there is none. Fault: Io for more than `max_bytes`, and for what is no regular file.
Result<std::optional<Bytes>> read_small_file(Disk& disk, const std::string& path, std::uint64_t max_bytes);
/// A missing file is no failure; durable on return.
Result<void> remove_file(Disk& disk, const std::string& path);
/// With every folder above it that is missing; existing ones are no failure. Durable on return.
Result<void> make_folders(Disk& disk, const std::string& path, mode_t mode = kPublicFolder);
/// A folder and all in it, or a single file; a missing one is no failure. Not durable: whoever needs that
/// syncs.
Result<void> remove_tree(Disk& disk, const std::string& path);

}  // namespace cotter::disk
