#include "client/ecu/posix_ecu.h"

#include <utility>

#include "client/install/ab_slot.h"
#include "client/install/single_slot.h"
#include "client/install/slot_files.h"
#include "client/install/state_folder.h"
#include "client/secondary/packed_metadata.h"
#include "client/secondary/posix_time.h"
#include "common/host/atomic_file.h"
#include "common/host/system_clock.h"

namespace cotter::client {

/// In order of what stands on what.
struct PosixEcu::Parts {
  Parts(EcuConfig config, host::FileLock held, std::unique_ptr<FloorStore> floor_store, EcuSigner key)
      : lock(std::move(held)),
        floors(std::move(floor_store)),
        files(config.dir.string()),
        state(config.dir.string() + "/state", ".json"),
        metadata_files(config.dir.string() + "/metadata", ".pack"),
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
  host::FileLock lock;
  std::unique_ptr<FloorStore> floors;
  host::SystemClock clock;
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

Result<std::unique_ptr<PosixEcu>> PosixEcu::open(EcuConfig config) {
  host::FileLock lock = TRY(host::FileLock::acquire(config.dir / "lock"));
  EcuSigner signer(TRY(load_ecu_key((config.dir / "ecu.key").string())));
  std::unique_ptr<FloorStore> floors = TRY(open_floors(config.floors));
  auto parts =
      std::make_unique<Parts>(std::move(config), std::move(lock), std::move(floors), std::move(signer));
  TRY(parts->core.start());
  return std::unique_ptr<PosixEcu>(new PosixEcu(std::move(parts)));
}

SecondaryCore& PosixEcu::core() noexcept { return parts_->core; }
crypto::Signer& PosixEcu::signer() noexcept { return parts_->signer; }

}  // namespace cotter::client
