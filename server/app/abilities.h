// Whether the fleet could verify what somebody is about to sign, delegate or publish; asked before it is too
// late. Never changes anything. The Demand and obstacles() are pure; refuse_unverifiable() as Db.
//
// A primary verifies everything of both repositories, and so does a secondary that verifies fully; one that
// verifies partially sees the director's root and targets alone (Uptane 5.4.4).
//
// Who makes a new root (a rotation, a change of thresholds): demands_of_root() with the root as it is going
// to be and the size that it will have, then refuse_unverifiable(). Who makes targets or a delegation:
// demands_of_targets(). Who has signed a file: demand_of_signatures().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/model/roles.h"
#include "server/inventory/abilities.h"
#include "server/storage/sqlite/hardware_store.h"

namespace cotter::app {

/// What a role asks of whoever is to verify it.
struct Demand {
  Repository repository{};
  RoleName role;
  std::uint64_t bytes = 0;  ///< of the signed file; 0: nothing is said of it
  /// Of different keys, `threshold` must be verified. 0: nothing is said of keys.
  std::uint32_t threshold = 0;
  std::vector<crypto::Scheme> schemes{};  ///< one for each key: those that may sign, or that have signed
  /// Whose images the role is about, where a delegation says so: only those ECUs and their primaries read it.
  std::optional<std::vector<HardwareId>> hardware{};
  std::optional<model::ClassThresholds> classes{};  ///< those that vehicles ask for
};
using Demands = std::vector<Demand>;

/// About as many bytes as the file will have: its canonical content, and the largest signatures that
/// as many of these keys make as must sign. Never less than it will have by more than the digits of an RSA
/// key above 4096 bits.
std::uint64_t size_when_signed(std::uint64_t canonical_bytes, const model::RoleKeys& role,
                               const model::KeyRing& keys);

/// A role with these keys, and its file of `wire_bytes` (0: nothing is said of it). `hardware`: as in Demand.
Demand demand_of_role(Repository repository, const RoleName& role, const model::RoleKeys& keys,
                      const model::KeyRing& ring, std::uint64_t wire_bytes,
                      const std::optional<std::vector<HardwareId>>& hardware = {});
/// The root file of `wire_bytes`, and of each top-level role that enough of its keys can be verified.
Demands demands_of_root(Repository repository, const model::Root& root, std::uint64_t wire_bytes);
/// The targets file of `wire_bytes`, which comes first, and of each role that it delegates to the keys.
/// `hardware`: whom the delegations above leave.
Demands demands_of_targets(Repository repository, const RoleName& role, const model::Targets& targets,
                           std::uint64_t wire_bytes,
                           const std::optional<std::vector<HardwareId>>& hardware = {});
/// A signed file of `wire_bytes`, and those of the role's keys that did sign it. `hardware`: as in Demand.
Demand demand_of_signatures(Repository repository, const RoleName& role, std::uint64_t wire_bytes,
                            const std::vector<KeyId>& signers, const model::RoleKeys& keys,
                            const model::KeyRing& ring,
                            const std::optional<std::vector<HardwareId>>& hardware = {});

/// Notes what ECUs of one kind can verify, in place of what was noted, and enters it in the ledger. Faults:
/// those of writing.
Result<void> note_abilities(host::Db& db, const HardwareId& hardware, const inventory::Abilities& abilities,
                            UtcTime now);

/// A generation that cannot verify something, and why.
struct Obstacle {
  storage::Generation generation;
  std::string why;  ///< "cannot verify targets of the image repository: …"
};
using Described = std::map<HardwareId, inventory::Abilities>;
/// Among `generations`; those that `described` leaves out can what the Cotter client can.
std::vector<Obstacle> obstacles(const Demand& demand, const std::vector<storage::Generation>& generations,
                                const Described& described);

/// A role with thresholds by class, and who could follow if vehicles asked for them.
struct Readiness {
  RoleName role;
  model::ClassThresholds classes;
  std::uint64_t vehicles = 0;         ///< in the inventory
  std::uint64_t ready = 0;            ///< of them
  std::vector<Obstacle> obstacles{};  ///< the generations that keep the others
};
/// Of each such role of the root, and of those that `targets` delegates to. Faults: those of reading.
Result<std::vector<Readiness>> readiness(host::Db& db, Repository repository, const model::Root& root,
                                         const model::Targets* targets);

/// Fault: Denied (some generation in the inventory cannot verify it: which, how many ECUs and vehicles, and
/// why); those of reading.
Result<void> refuse_unverifiable(host::Db& db, const Demands& demands);

}  // namespace cotter::app
