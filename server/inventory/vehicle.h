// What the director knows of a vehicle and its ECUs: as the factory recorded them, as they report, as they
// are to be. Never holds a private key. Values only: safe on any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/digest.h"
#include "common/crypto/public_key.h"
#include "common/json/value.h"
#include "common/model/manifest.h"
#include "common/model/roles.h"

namespace cotter::inventory {

/// What people choose vehicles by: "canary", "market-jp"; model::is_identifier.
using VehicleTag = Strong<struct VehicleTagTag>;

/// How an ECU verifies what it is given (Uptane 5.4.4).
enum class Verification : std::uint8_t { Full, Partial };
/// "full", "partial"
std::string_view name_of(Verification verification) noexcept;
std::optional<Verification> verification_named(std::string_view name) noexcept;

/// One ECU as it left the factory (DIR-10, DIR-11). Of its key we hold the public half alone.
struct EcuRecord {
  EcuSerial serial;
  HardwareId hardware_id;
  bool primary = false;
  Verification verification = Verification::Full;
  crypto::PublicKey key;
  model::InstalledImage image;
  ReleaseCounter release_counter;

  /// Rejections: member-*, key-*, hash*, target-name-unsafe; member-wrong-kind too for a key of a kind that
  /// verifies nothing.
  static Result<EcuRecord> decode(const json::Value& value);
  [[nodiscard]] json::Value encode() const;
};

/// A vehicle as it left the factory: what `cotter vehicle add` reads.
struct VehicleRecord {
  VehicleId vin;
  std::vector<EcuRecord> ecus;

  /// Exactly one primary, each serial and each key once (DIR-12). Rejections: those of EcuRecord. Fault:
  /// Denied (no primary or several, a serial or a key twice).
  static Result<VehicleRecord> decode(const json::Value& value);
  /// The same of its parts.
  static Result<VehicleRecord> of(VehicleId vin, std::vector<EcuRecord> ecus);
  [[nodiscard]] json::Value encode() const;
};

/// What an ECU's last accepted report said.
struct Reported {
  std::uint64_t counter = 0;
  Bytes digest;        ///< SHA-256 of the whole signed report: tells a repetition from another (DIR-26)
  UtcTime ecu_time{};  ///< the ECU's own latest verifiable time
  UtcTime accepted_at{};
  model::InstalledImage installed;
  std::optional<Version> targets_version;  ///< of the director, as this ECU has verified it (ATK-12)
  bool quarantined = false;                ///< an image that we never gave this ECU (DIR-27)
};

/// The image that an ECU is to run: its entry is a copy of the image repository's (DIR-43).
struct Desired {
  TargetName name;
  model::Target entry;  ///< length, hashes, custom.mustMatch
  UtcTime since{};
  std::optional<UtcTime> confirmed_at{};  ///< when the ECU's own signed report first showed it (GAP-20)
};

struct Ecu {
  EcuRecord record;
  ReleaseCounter floor;  ///< highest counter it was known to run; never goes back (PRI-31)
  std::optional<Reported> reported{};
  std::optional<Desired> desired{};
  std::vector<crypto::Hashes> given{};   ///< of every image it was ever assigned
  std::optional<std::string> absence{};  ///< why the last manifest had no report of it; none: it had

  [[nodiscard]] const EcuSerial& serial() const noexcept { return record.serial; }
};

struct Vehicle {
  VehicleId vin;
  std::uint64_t manifest_counter = 0;         ///< of the last accepted manifest
  std::optional<UtcTime> last_manifest_at{};  ///< by our clock
  std::uint64_t desired_revision = 0;         ///< grows with each change of what any ECU is to run
  std::vector<Ecu> ecus;

  [[nodiscard]] const Ecu* find(const EcuSerial& serial) const noexcept;
  /// Every vehicle has one: VehicleRecord::decode asks for it.
  [[nodiscard]] const Ecu& primary() const;
};

/// Why a vehicle's newest manifest was refused (DIR-21), and since when all of them are.
struct ManifestRefusal {
  std::string rule;
  std::string reason;
  UtcTime since{};
};

/// Whether `installed` is what `desired` asks for: name, length and hashes, as the vehicle judges it
/// (trust::pending).
bool runs(const model::InstalledImage& installed, const Desired& desired);

}  // namespace cotter::inventory
