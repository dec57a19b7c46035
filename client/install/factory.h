// What the factory puts into an ECU's folder: its first image, confirmed, and its own key.
// Never run on an ECU in the field. One thread.
#pragma once

#include <string>

#include "client/install/slot_records.h"
#include "common/crypto/secret.h"
#include "common/crypto/signer.h"
#include "common/disk/disk.h"

namespace cotter::client {

enum class Slots : std::uint8_t { One, Two };

/// Makes slots/, `active` and state/ in an existing folder; the image runs and is confirmed, and is the
/// counter's floor, in `floor`'s store. Faults: NoSpace, Denied, Io; Usage (the name is no image's).
Result<ImageRecord> lay_out_slots(disk::Disk& disk, const std::string& dir, ByteView image, TargetName name,
                                  ReleaseCounter counter, Slots slots, const EcuFloor& floor);

/// An ECU's ed25519 key in a file of mode 0600: the seed in hex.
Result<void> save_ecu_key(disk::Disk& disk, const std::string& path, const crypto::Ed25519Pair& pair);
/// Faults: NotFound, Denied, Io (not such a file).
Result<crypto::Ed25519Pair> load_ecu_key(disk::Disk& disk, const std::string& path);

/// Signs an ECU's reports.
class EcuSigner final : public crypto::Signer {
 public:
  explicit EcuSigner(crypto::Ed25519Pair pair);
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_; }
  Result<crypto::Signature> sign(ByteView message) override;

 private:
  crypto::Ed25519Pair pair_;
  crypto::PublicKey key_;
};

}  // namespace cotter::client
