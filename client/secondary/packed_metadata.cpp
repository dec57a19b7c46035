#include "client/secondary/packed_metadata.h"

#include "common/wire/frame.h"

namespace cotter::client {
namespace {

void apply(std::map<RoleName, Bytes>& files, const trust::Store& store) { files[store.role] = store.wire; }
void apply(std::map<RoleName, Bytes>& files, const trust::Forget& forget) { files.erase(forget.role); }

Result<std::map<RoleName, Bytes>> unpacked(ByteView record) {
  std::map<RoleName, Bytes> files;
  wire::FieldReader in(record);
  while (!in.at_end()) {
    RoleName role(TRY(in.text()));
    files[std::move(role)] = TRY(in.blob());
  }
  return files;
}

}  // namespace

Result<PackedMetadata::Files> PackedMetadata::unpack(Repository repository) const {
  const std::optional<Bytes> record = TRY(store_.load(name_of(repository)));
  if (!record) return Files();
  auto files = unpacked(*record);
  if (!files) return Files();
  return *std::move(files);
}

Result<std::optional<Bytes>> PackedMetadata::load(Repository repository, const RoleName& role) const {
  Files files = TRY(unpack(repository));
  const auto file = files.find(role);
  if (file == files.end()) return std::optional<Bytes>();
  return std::optional<Bytes>(std::move(file->second));
}

Result<void> PackedMetadata::commit(Repository repository, std::span<const trust::Effect> effects) {
  Files files = TRY(unpack(repository));
  for (const trust::Effect& effect : effects) {
    std::visit([&](const auto& each) { apply(files, each); }, effect);
  }
  wire::FieldWriter out;
  for (const auto& [role, wire] : files) {
    out.text(role.value());
    out.blob(wire);
  }
  return store_.save(name_of(repository), out.bytes());
}

}  // namespace cotter::client
