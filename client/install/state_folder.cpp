#include "client/install/state_folder.h"

#include "client/install/posix_file.h"

namespace cotter::client {
namespace {

constexpr std::uint64_t kMaxRecord = 64 * 1024 * 1024;  // an ECU's copy of an image repository's metadata

}  // namespace

std::string StateFolder::path(std::string_view name) const {
  return dir_ + "/" + std::string(name) + extension_;
}

Result<std::optional<Bytes>> StateFolder::load(std::string_view name) const {
  return read_small_file(path(name), kMaxRecord);
}

Result<void> StateFolder::save(std::string_view name, ByteView record) {
  return replace_file(path(name), record);
}

Result<void> StateFolder::erase(std::string_view name) { return remove_file(path(name)); }

}  // namespace cotter::client
