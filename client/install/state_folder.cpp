#include "client/install/state_folder.h"

#include "common/disk/files.h"

namespace cotter::client {
namespace {

constexpr std::uint64_t kMaxRecord = 64 * 1024 * 1024;  // an ECU's copy of an image repository's metadata

}  // namespace

std::string StateFolder::path(std::string_view name) const {
  return dir_ + "/" + std::string(name) + extension_;
}

Result<std::optional<Bytes>> StateFolder::load(std::string_view name) const {
  return disk::read_small_file(disk_, path(name), kMaxRecord);
}

Result<void> StateFolder::save(std::string_view name, ByteView record) {
  return disk::replace_file(disk_, path(name), record);
}

Result<void> StateFolder::save_soon(std::string_view name, ByteView record) {
  return disk::replace_file_soon(disk_, path(name), record);
}

Result<void> StateFolder::erase(std::string_view name) { return disk::remove_file(disk_, path(name)); }

}  // namespace cotter::client
