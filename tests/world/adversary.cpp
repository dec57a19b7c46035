#include "tests/world/adversary.h"

#include "common/host/atomic_file.h"
#include "common/host/system_clock.h"
#include "server/app/director_roots.h"
#include "server/app/director_service.h"
#include "server/app/listed_signers.h"
#include "server/app/sign_metadata.h"
#include "server/app/workspace.h"
#include "server/director/resolver.h"
#include "server/keys/keyring.h"
#include "server/repository/layout.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::world {
namespace {

constexpr std::uint64_t kMaxMetadata = 1024 * 1024;

}  // namespace

Result<void> RogueDirector::choose(const VehicleId& vin, const EcuSerial& ecu, const TargetName& name,
                                   const model::Target& entry) {
  const auto workspace = TRY(app::Workspace::open(workspace_));
  std::string words = passphrase_;
  const auto passphrase =
      crypto::Secret::taking({reinterpret_cast<std::uint8_t*>(words.data()), words.size()});
  auto keyring = TRY(keys::Keyring::open(workspace.keys_dir(), keystore::unlock_by(passphrase)));
  auto db = TRY(storage::open_database(workspace.db_path()));
  inventory::Vehicle vehicle = TRY(storage::InventoryStore(db).load(vin));
  for (inventory::Ecu& candidate : vehicle.ecus) {
    if (candidate.serial() == ecu) candidate.desired = inventory::Desired{name, entry};
  }
  const auto roots = TRY(app::DirectorRoots::read(workspace.director_dir()));
  app::DirectorSigners signers = TRY(app::director_signers(keyring, *roots.newest()));
  signers.ledger = nullptr;  // a thief leaves no trace
  TRY(app::sign_metadata(db, signers, workspace.settings().director, roots, vehicle,
                         host::SystemClock().now()));
  return {};
}

Result<model::Target> RogueDirector::published(const TargetName& name) const {
  const auto workspace = TRY(app::Workspace::open(workspace_));
  const auto set = TRY(repository::read_as_client(workspace.repo_dir(), host::SystemClock().now()));
  return director::copied_entry(TRY(repository::find_target(set, workspace.repo_dir(), name)).target);
}

model::Target RogueDirector::invented(ByteView image, const HardwareId& hardware,
                                      std::uint64_t release_counter) {
  model::Target entry;
  entry.length = image.size();
  entry.hashes = crypto::Hashes::of(image);
  entry.custom.set("mustMatch", model::MustMatch::of({hardware}, ReleaseCounter(release_counter)).all);
  return entry;
}

Result<Tampered> mixing_mirror(const std::filesystem::path& repo_dir) {
  const auto set = TRY(repository::read_as_client(repo_dir, host::SystemClock().now()));
  const std::uint64_t newest = (*set.snapshot())->version.value();
  const auto file = [&](std::uint64_t version) {
    return repo_dir / (std::to_string(version) + ".snapshot.json");
  };
  return Tampered::file(file(newest), TRY(host::read_file(file(newest - 1), kMaxMetadata)));
}

}  // namespace cotter::world
