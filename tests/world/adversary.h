// Attackers as the standard describes them (Uptane 4.2), with real keys on a real workspace: what they sign
// passes every signature check, and has to be refused for what it says. One thread.
#pragma once

#include <filesystem>
#include <string>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/secret.h"
#include "common/model/roles.h"
#include "tests/world/tampered.h"

namespace cotter::world {

/// Holds the director's online keys and its database, as an intruder on the director's host would.
class RogueDirector {
 public:
  RogueDirector(std::filesystem::path workspace, std::string passphrase)
      : workspace_(std::move(workspace)), passphrase_(std::move(passphrase)) {}

  /// Signs metadata that tells this ECU to run `entry` under `name`, and has the director serve it.
  Result<void> choose(const VehicleId& vin, const EcuSerial& ecu, const TargetName& name,
                      const model::Target& entry);
  /// The image repository's own entry for an image: signed by the holders, perhaps long ago.
  Result<model::Target> published(const TargetName& name) const;
  /// An entry that nobody but this director vouches for, for these bytes.
  static model::Target invented(ByteView image, const HardwareId& hardware, std::uint64_t release_counter);

 private:
  std::filesystem::path workspace_;
  std::string passphrase_;
};

/// A mirror that serves the snapshot before the newest under the newest one's name, until it is gone:
/// metadata mixed from two snapshots.
Result<Tampered> mixing_mirror(const std::filesystem::path& repo_dir);

}  // namespace cotter::world
