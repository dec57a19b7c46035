// What the primary remembers, in one SQLite file: metadata of both repositories, how far the cycle has come,
// its ECUs. Never holds what must outlive it: floors and counters are the FloorStore's, so that this file may
// be lost as a whole. Changes of one phase are one transaction, durable when it settles: a power cut before
// that loses them together. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/install/floor_store.h"
#include "client/links/ecu_link.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/public_key.h"
#include "common/host/sqlite.h"
#include "common/trust/seams.h"

namespace cotter::client {

/// One ECU as the factory recorded it, and the highest release counter it has confirmed (PRI-31).
struct KnownEcu {
  EcuSerial serial;
  HardwareId hardware_id;
  crypto::PublicKey key;
  ReleaseCounter floor;
};

/// Where the cycle stands. A phase is written before the work it names begins, so a restart repeats that
/// work.
enum class Phase : std::uint8_t {
  Idle,
  Staging,     ///< a verified set is being brought to the ECUs: safe to start over
  Committing,  ///< ECUs are switching: must be finished with the same set
};

struct CycleState {
  Phase phase = Phase::Idle;
  UtcTime now{};              ///< the time by which the set was verified; resuming judges by it (INS-7)
  UtcTime image_refreshed{};  ///< when the image repository was last looked at (GAP-8)
};

class PrimaryStore : public trust::MetadataStore, public MetadataSource {
 public:
  /// Opens or makes the file; one that is damaged, or of a later program, is set aside as FILE.damaged and
  /// begun anew (VER-REC). Moves into `floors` what a file of before kept itself. Both, disk and floors, must
  /// outlive it. Faults: Io, Denied, Busy (another primary runs), NoSpace; those of FloorStore.
  static Result<PrimaryStore> open(disk::Disk& disk, const std::filesystem::path& file, FloorStore& floors);

  ~PrimaryStore() override;  ///< settles, where it can
  PrimaryStore(PrimaryStore&&) noexcept;
  PrimaryStore& operator=(PrimaryStore&&) = delete;

  /// All changes so far are durable on return. Those that must be at once settle by themselves: a root
  /// (VER-6), the phase Committing. Faults: Io, NoSpace; what was not durable is lost then.
  Result<void> settle();

  // Metadata: every root is kept for the secondaries, of other roles the newest.
  Result<std::optional<Bytes>> load(Repository repository, const RoleName& role) const override;
  Result<void> commit(Repository repository, std::span<const trust::Effect> effects) override;
  Result<std::optional<Bytes>> file(Repository repository, const RoleName& role,
                                    std::optional<Version> version) override;
  /// Every stored root, newest first.
  Result<std::vector<Bytes>> roots(Repository repository) const;
  Result<CycleState> cycle() const;
  Result<void> save(const CycleState& state);

  Result<std::vector<KnownEcu>> ecus() const;
  /// These are the vehicle's ECUs from now on, and no others. Provisioning anew cannot lower a floor. Faults
  /// besides: those of FloorStore; NotFound (never provisioned).
  Result<void> provision(const std::vector<KnownEcu>& ecus);
  /// Raises the floor; a lower one changes nothing. Faults of FloorStore.
  Result<void> raise_floor(const EcuSerial& ecu, ReleaseCounter counter);

  /// What is remembered of the time, as trust::TimeState has it; nothing on a new primary.
  Result<std::optional<Bytes>> time_state() const;
  Result<void> save_time_state(ByteView record);

  /// The next manifest counter: greater than any before, after a power cut or the loss of this file too
  /// (DIR-26). Reserved many at a time, so that a poll with nothing new costs no fsync (G8).
  Result<std::uint64_t> next_manifest_counter() { return manifests_.next(); }

 private:
  PrimaryStore(std::unique_ptr<host::Db> db, FloorStore& floors);
  /// What follows is part of the phase's transaction.
  Result<void> open_phase();
  std::unique_ptr<host::Db> db_;
  FloorStore* floors_;
  ReservedCounter manifests_;
};

}  // namespace cotter::client
