// What the signing process is asked to sign, good at kNoon: a test spoils one thing of it.
// Never signed by anybody. Plain values.
#pragma once

#include <string>

#include "common/json/canonical.h"
#include "common/model/roles.h"
#include "common/model/time_attestation.h"
#include "server/ledger/checkpoint.h"
#include "server/signing/policy.h"
#include "tests/unit/server/fleet.h"

namespace cotter::test {

template <class Role>
Bytes canonical(const Role& role) {
  return json::canonical(role.encode());
}

inline model::FileMeta listed(std::uint64_t version) {
  model::FileMeta meta;
  meta.version = Version(version);
  meta.length = 100;
  meta.hashes = crypto::Hashes::of(as_bytes("a file"));
  return meta;
}

template <class Role>
Role stamped(std::uint64_t version, const std::string& vin) {
  Role role;
  role.version = Version(version);
  role.expires = kNoon + std::chrono::hours(1);
  if (!vin.empty()) role.vin = VehicleId(vin);
  return role;
}

inline model::Timestamp timestamp(std::uint64_t version, std::uint64_t snapshot,
                                  const std::string& vin = "") {
  auto role = stamped<model::Timestamp>(version, vin);
  role.snapshot = listed(snapshot);
  return role;
}

inline model::Snapshot snapshot(std::uint64_t version, std::uint64_t targets, const std::string& vin = "") {
  auto role = stamped<model::Snapshot>(version, vin);
  role.meta.set(model::targets_role(), listed(targets));
  return role;
}

/// One image, for this ECU.
inline model::Targets director_targets(std::uint64_t version, const std::string& ecu = "BRAKE",
                                       const std::string& vin = "VIN-1") {
  auto role = stamped<model::Targets>(version, vin);
  model::Target target = entry_for("an image", {HardwareId("brake-mk4")}, 1);
  target.custom.set("ecuIdentifiers", json::Object{{ecu, json::Object{{"hardwareId", "brake-mk4"}}}});
  role.targets.emplace(TargetName("brakes/mk4/fw.bin"), std::move(target));
  return role;
}

inline model::TimeAttestation attestation(UtcTime time) {
  model::TimeAttestation role;
  role.time = time;
  role.nonces = {model::Nonce(std::string(32, 'a'))};
  return role;
}

/// Of the log of `key`, its root all of one byte.
inline Bytes checkpoint(const crypto::PublicKey& key, std::uint64_t size, std::uint8_t root) {
  ledger::Checkpoint head{ledger::origin_of(key), size, {}};
  head.root.fill(root);
  return to_bytes(ledger::checkpoint_text(head));
}

}  // namespace cotter::test
