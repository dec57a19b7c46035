#include "client/install/slot_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

#include "client/install/posix_file.h"

namespace cotter::client {
namespace {

/// As the link `active` says it: relative, so that the folder can move.
std::string name_of(Slot slot) { return slot == Slot::A ? "slots/a.bin" : "slots/b.bin"; }

}  // namespace

std::string SlotFiles::path(Slot slot) const { return dir_ + "/" + name_of(slot); }

bool SlotFiles::has_spare() const { return ::access(path(Slot::B).c_str(), F_OK) == 0; }

Result<Slot> SlotFiles::active() const {
  const std::string link = dir_ + "/active";
  std::array<char, 64> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  if (size < 0) return fail(errno_fault("cannot read " + link));
  const std::string_view name(target.data(), static_cast<std::size_t>(size));
  for (const Slot slot : {Slot::A, Slot::B}) {
    if (name == name_of(slot)) return slot;
  }
  return fault(Fault::Kind::Io, link + " does not lead to a slot", "make it lead to slots/a.bin");
}

Result<void> SlotFiles::activate(Slot slot) {
  const std::string link = dir_ + "/active";
  const std::string next = link + ".new";
  TRY(remove_file(next));
  if (::symlink(name_of(slot).c_str(), next.c_str()) != 0 || ::rename(next.c_str(), link.c_str()) != 0) {
    return fail(errno_fault("cannot switch " + link));
  }
  return sync_folder_of(link);
}

Result<std::uint64_t> SlotFiles::size(Slot slot) const {
  struct stat facts {};
  if (::stat(path(slot).c_str(), &facts) != 0) return fail(errno_fault("cannot look at " + path(slot)));
  return static_cast<std::uint64_t>(facts.st_size);
}

Result<Bytes> SlotFiles::read(Slot slot, std::uint64_t offset, std::size_t max) const {
  const OpenFile file(::open(path(slot).c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return fail(errno_fault("cannot read " + path(slot)));
  return read_at(file.fd(), offset, max, path(slot));
}

Result<void> SlotFiles::write(Slot slot, std::uint64_t offset, ByteView bytes) {
  const OpenFile file(::open(path(slot).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open()) return fail(errno_fault("cannot write " + path(slot)));
  return write_at(file.fd(), offset, bytes, path(slot));
}

Result<void> SlotFiles::truncate(Slot slot, std::uint64_t size) {
  if (::truncate(path(slot).c_str(), static_cast<off_t>(size)) != 0) {
    return fail(errno_fault("cannot cut " + path(slot)));
  }
  return {};
}

Result<void> SlotFiles::sync(Slot slot) {
  const OpenFile file(::open(path(slot).c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.is_open() || ::fsync(file.fd()) != 0) {
    return fail(errno_fault("cannot make " + path(slot) + " durable"));
  }
  return {};
}

}  // namespace cotter::client
