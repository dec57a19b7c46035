#include "client/install/factory.h"

#include <sodium.h>

#include <utility>

#include "client/install/slot_files.h"
#include "client/install/state_folder.h"
#include "common/disk/files.h"
#include "common/model/file_names.h"

namespace cotter::client {
namespace {

constexpr std::size_t kSeedSize = 32;

}  // namespace

Result<ImageRecord> lay_out_slots(disk::Disk& disk, const std::string& dir, ByteView image, TargetName name,
                                  ReleaseCounter counter, Slots slots, const EcuFloor& floor) {
  if (!model::is_safe_target_name(name.value())) {
    return fault(Fault::Kind::Usage, "an image cannot be named \"" + name.value() + "\"",
                 "name it TEAM/ECU/FILE.ext, of letters, digits and . _ + -");
  }
  TRY(disk::make_folders(disk, dir + "/slots"));
  TRY(disk::make_folders(disk, dir + "/state"));
  TRY(disk::replace_file(disk, dir + "/slots/a.bin", image));
  if (slots == Slots::Two) TRY(disk::replace_file(disk, dir + "/slots/b.bin", {}));
  SlotFiles files(disk, dir);
  TRY(files.activate(Slot::A));
  StateFolder state(disk, dir + "/state", ".json");
  ImageRecord record{{std::move(name), image.size(), crypto::Hashes::of(image)}, counter};
  TRY(SlotRecords(state, floor).confirm(record));
  return record;
}

Result<void> save_ecu_key(disk::Disk& disk, const std::string& path, const crypto::Ed25519Pair& pair) {
  std::string hex = to_hex(pair.seed.view()) + "\n";
  Result<void> saved = disk::replace_file(disk, path, as_bytes(hex), disk::kSecretFile);
  sodium_memzero(hex.data(), hex.size());
  return saved;
}

Result<crypto::Ed25519Pair> load_ecu_key(disk::Disk& disk, const std::string& path) {
  std::optional<Bytes> text = TRY(disk::read_small_file(disk, path, 2 * kSeedSize + 1));
  if (!text) return fault(Fault::Kind::NotFound, path + " is not there", "provision this ECU first");
  const bool whole = text->size() == 2 * kSeedSize + 1 && text->back() == '\n';
  auto seed = whole ? from_hex(as_text(*text).substr(0, 2 * kSeedSize)) : std::nullopt;
  sodium_memzero(text->data(), text->size());
  if (!seed) {
    return fault(Fault::Kind::Io, path + " holds no ECU key", "it should be 64 hex digits and a newline");
  }
  return crypto::Ed25519Pair::from_seed(crypto::Secret::taking(*seed));
}

EcuSigner::EcuSigner(crypto::Ed25519Pair pair)
    : pair_(std::move(pair)), key_(crypto::PublicKey::ed25519(pair_.public_key)) {}

Result<crypto::Signature> EcuSigner::sign(ByteView message) {
  return crypto::Signature{key_.computed_id(), pair_.sign(message)};
}

}  // namespace cotter::client
