#include "client/ecu/posix_ecu.h"

#include <utility>

#include "client/install/ab_slot.h"
#include "client/install/single_slot.h"
#include "client/install/slot_files.h"
#include "client/install/state_folder.h"
#include "client/secondary/packed_metadata.h"
#include "client/secondary/posix_time.h"

namespace cotter::client {

/// In order of what stands on what.
struct PosixEcu::Parts {
  Parts(disk::Disk& disk, const Clock& clock, EcuConfig config, std::unique_ptr<disk::Lock> held,
        std::unique_ptr<FloorStore> floor_store, EcuSigner key)
      : lock(std::move(held)),
        floors(std::move(floor_store)),
        files(disk, config.dir.string()),
        state(disk, config.dir.string() + "/state", ".json"),
        metadata_files(disk, config.dir.string() + "/metadata", ".pack"),
        metadata(metadata_files),
        two(files, state, {*floors, config.identity.serial}),
        one(files, state, {*floors, config.identity.serial}),
        signer(std::move(key)),
        core(std::move(config.identity), {metadata,
                                          files.has_spare() ? static_cast<Installer&>(two) : one,
                                          state,
                                          {clock, uptime, nonces},
                                          signer,
                                          *floors}) {}
  std::unique_ptr<disk::Lock> lock;
  std::unique_ptr<FloorStore> floors;
  PosixUptime uptime;
  SodiumNonces nonces;
  SlotFiles files;
  StateFolder state;
  StateFolder metadata_files;
  PackedMetadata metadata;
  AbSlot two;
  SingleSlot one;
  EcuSigner signer;
  SecondaryCore core;
};

PosixEcu::PosixEcu(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
PosixEcu::~PosixEcu() = default;

Result<std::unique_ptr<PosixEcu>> PosixEcu::open(disk::Disk& disk, const Clock& clock, EcuConfig config) {
  std::unique_ptr<disk::Lock> lock = TRY(disk.lock((config.dir / "lock").string()));
  EcuSigner signer(TRY(load_ecu_key(disk, (config.dir / "ecu.key").string())));
  std::unique_ptr<FloorStore> floors = TRY(open_floors(disk, config.floors));
  auto parts = std::make_unique<Parts>(disk, clock, std::move(config), std::move(lock), std::move(floors),
                                       std::move(signer));
  TRY(parts->core.start());
  return std::unique_ptr<PosixEcu>(new PosixEcu(std::move(parts)));
}

SecondaryCore& PosixEcu::core() noexcept { return parts_->core; }
crypto::Signer& PosixEcu::signer() noexcept { return parts_->signer; }

}  // namespace cotter::client
