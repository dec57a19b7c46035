// All that the primary must not forget, in one SQLite file: metadata of both repositories, how far the cycle
// has come, its ECUs with their floors, counters. Never loses a floor: they only rise. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

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
  /// Opens or makes the file. Faults: Io, Denied, Busy (another primary runs), NoSpace.
  static Result<PrimaryStore> open(const std::filesystem::path& file);

  // Metadata: every root is kept for the secondaries, of other roles the newest.
  Result<std::optional<Bytes>> load(Repository repository, const RoleName& role) const override;
  Result<void> commit(Repository repository, std::span<const trust::Effect> effects) override;
  Result<std::optional<Bytes>> file(Repository repository, const RoleName& role,
                                    std::optional<Version> version) override;
  /// Every stored root, newest first.
  Result<std::vector<Bytes>> roots(Repository repository) const;
  /// The pinned roots, at provisioning. Fault: Conflict when there is one already.
  Result<void> pin_root(Repository repository, Version version, ByteView wire);

  Result<CycleState> cycle() const;
  Result<void> save(const CycleState& state);

  Result<std::vector<KnownEcu>> ecus() const;
  /// Keeps floors that are there already: provisioning anew cannot lower one.
  Result<void> provision(const std::vector<KnownEcu>& ecus);
  /// Raises the floor; a lower one changes nothing.
  Result<void> raise_floor(const EcuSerial& ecu, ReleaseCounter counter);

  /// What is remembered of the time, as trust::TimeState has it; nothing on a new primary.
  Result<std::optional<Bytes>> time_state() const;
  Result<void> save_time_state(ByteView record);

  /// The next manifest counter: greater than any before, also after a power cut. Numbers are reserved 64 at a
  /// time, so that a poll with nothing new costs no fsync (G8).
  Result<std::uint64_t> next_manifest_counter();

 private:
  explicit PrimaryStore(host::Db db) : db_(std::move(db)) {}
  mutable host::Db db_;  ///< SQLite prepares even a reading statement on a connection that changes
  std::uint64_t counter_ = 0;
  std::uint64_t reserved_ = 0;
};

}  // namespace cotter::client
