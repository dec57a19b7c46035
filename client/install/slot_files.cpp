#include "client/install/slot_files.h"

#include "common/disk/files.h"

namespace cotter::client {
namespace {

/// As the link `active` says it: relative, so that the folder can move.
std::string name_of(Slot slot) { return slot == Slot::A ? "slots/a.bin" : "slots/b.bin"; }

}  // namespace

Result<std::unique_ptr<disk::File>> SlotFiles::open(Slot slot, disk::Opening how) const {
  return disk_.open(dir_ + "/" + name_of(slot), how);
}

bool SlotFiles::has_spare() const {
  const auto spare = disk_.look_at(dir_ + "/" + name_of(Slot::B));
  return spare && spare->has_value();
}

Result<Slot> SlotFiles::active() const {
  const std::string link = dir_ + "/active";
  const std::string name = TRY(disk_.read_link(link));
  for (const Slot slot : {Slot::A, Slot::B}) {
    if (name == name_of(slot)) return slot;
  }
  return fault(Fault::Kind::Io, link + " does not lead to a slot", "make it lead to slots/a.bin");
}

Result<void> SlotFiles::activate(Slot slot) {
  const std::string link = dir_ + "/active";
  const std::string next = link + ".new";
  if (TRY(disk_.look_at(next))) TRY(disk_.remove(next));  // left by a power cut
  TRY(disk_.make_link(next, name_of(slot)));
  TRY(disk_.rename(next, link));
  return disk::sync_folder_of(disk_, link);
}

Result<std::uint64_t> SlotFiles::size(Slot slot) const {
  return TRY(open(slot, disk::Opening::Read))->size();
}

Result<Bytes> SlotFiles::read(Slot slot, std::uint64_t offset, std::size_t max) const {
  return TRY(open(slot, disk::Opening::Read))->read_at(offset, max);
}

Result<void> SlotFiles::write(Slot slot, std::uint64_t offset, ByteView bytes) {
  return TRY(open(slot, disk::Opening::Write))->write_at(offset, bytes);
}

Result<void> SlotFiles::truncate(Slot slot, std::uint64_t size) {
  return TRY(open(slot, disk::Opening::Write))->truncate(size);
}

Result<void> SlotFiles::sync(Slot slot) { return TRY(open(slot, disk::Opening::Write))->sync(); }

}  // namespace cotter::client
