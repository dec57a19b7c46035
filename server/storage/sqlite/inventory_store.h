// Vehicles, their ECUs, what these are to run and what they said, in SQLite.
// Never judges: what it is given was checked before. Belongs to its Db's thread. Every function's Faults:
// those of a read or write (Busy, NoSpace, Denied, Io).
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
#include "common/host/sqlite.h"
#include "server/inventory/news.h"
#include "server/inventory/vehicle.h"

namespace cotter::storage {

/// Where a vehicle stands, by its ECUs: the first of these that is true of it.
enum class VehicleState : std::uint8_t {
  Quarantined,  ///< one runs an image that we never gave it (DIR-27)
  Updating,     ///< one has not confirmed what it is to run
  Current,      ///< all confirmed what they are to run
  Unassigned,   ///< none is to run anything
};
/// "quarantined", "updating", "current", "unassigned"
std::string_view name_of(VehicleState state) noexcept;
std::optional<VehicleState> vehicle_state_named(std::string_view name) noexcept;

struct VehicleSummary {
  VehicleId vin;
  std::uint64_t ecus = 0;
  std::uint64_t assigned = 0;
  std::uint64_t confirmed = 0;  ///< of `assigned`
  std::uint64_t quarantined = 0;
  std::uint64_t attack_signals = 0;
  std::optional<UtcTime> last_manifest_at;
  std::vector<inventory::VehicleTag> tags;  ///< in order
  bool refused = false;                     ///< its newest manifest was
  [[nodiscard]] VehicleState state() const noexcept;
};

/// Which vehicles: those for which all of it is true.
struct VehicleFilter {
  // An ECU of it, of which all three are true:
  std::optional<HardwareId> hardware{};  ///< it is of this kind
  std::optional<TargetName> image{};     ///< it runs this, by its last report or else by its factory's record
  std::optional<ReleaseCounter>
      below{};  ///< the highest release counter that it is known to have run is less

  std::vector<inventory::VehicleTag> tags{};  ///< it has all of them
  std::optional<VehicleState> state{};
  std::optional<UtcTime> seen_since{};   ///< the last manifest came then or later
  std::optional<UtcTime> seen_before{};  ///< it came before, or none ever did
  std::optional<VehicleId> after{};      ///< VINs behind this one: the next page
  std::uint64_t limit = UINT64_MAX;
};

enum class Source : std::uint8_t { Factory, Operator };

enum class SignalKind : std::uint8_t { Detected, ForgedReport, UnknownImage, UnannouncedEcu };
/// "detected", "forged-report", "unknown-image", "unannounced-ecu"
std::string_view name_of(SignalKind kind) noexcept;

struct AttackSignal {
  EcuSerial ecu;
  UtcTime seen_at{};
  SignalKind kind{};
  std::string detail;
};

/// More than a vehicle has, and few enough for a person to read: who names ECUs without end fills no disk.
inline constexpr std::size_t kMaxPendingEcus = 100;

/// An ECU as a vehicle names it, not the factory.
struct PendingEcu {
  EcuSerial serial;
  HardwareId hardware_id;
  json::Value key;
  friend bool operator==(const PendingEcu&, const PendingEcu&) = default;
};

/// ECUs, and the vehicles that they are in.
struct FleetCount {
  std::uint64_t vehicles = 0;
  std::uint64_t ecus = 0;
  friend bool operator==(const FleetCount&, const FleetCount&) = default;
};

/// One that is to run this content of that name.
struct AssignedEcu {
  VehicleId vin;
  EcuSerial ecu;
  TargetName target;
  crypto::Hashes hashes;
};

class InventoryStore {
 public:
  explicit InventoryStore(host::Db& db) : db_(&db) {}

  /// All of it or nothing; in a transaction of the caller's, or else in one of its own. Fault: Denied (the
  /// vehicle, one of the serials or one of the keys is recorded already: which, in words; DIR-12).
  Result<void> add(const inventory::VehicleRecord& record, UtcTime now);
  /// Fault: NotFound.
  Result<inventory::Vehicle> load(const VehicleId& vin);
  /// Of Vehicle::desired_revision alone. Fault: NotFound.
  Result<std::uint64_t> desired_revision(const VehicleId& vin);
  Result<std::vector<VehicleSummary>> list(const VehicleFilter& filter = {});  ///< in order of VINs

  /// Of a vehicle that is recorded. false: it has (tag) or has not (untag) that already.
  Result<bool> tag(const VehicleId& vin, const inventory::VehicleTag& tag);
  Result<bool> untag(const VehicleId& vin, const inventory::VehicleTag& tag);
  Result<std::vector<inventory::VehicleTag>> tags(const VehicleId& vin);  ///< in order

  /// What an ECU of `judged` is to run from now on, by compare-and-set. false: the vehicle's ECUs, or what
  /// they are to run, are others since it was judged; nothing was written. Inside a transaction of the
  /// caller's.
  Result<bool> assign(const inventory::Vehicle& judged, const EcuSerial& ecu,
                      const inventory::Desired& desired, Source source);
  /// The ECUs that are to run an image of one of these names, by VIN and serial.
  Result<std::vector<AssignedEcu>> assigned(const std::vector<TargetName>& names);
  /// The ECU is to run nothing from now on. Inside a transaction of the caller's.
  Result<void> end_assignment(const VehicleId& vin, const EcuSerial& ecu, UtcTime now);
  /// Writes down an accepted manifest, all of it or nothing, by compare-and-set (DIR-26). false: `judged`,
  /// the vehicle it was checked against, has changed since; nothing was written, load it and check anew.
  Result<bool> accept(const inventory::Vehicle& judged, const inventory::ManifestNews& news, ByteView body,
                      UtcTime now);
  /// Notes that a manifest came and why it was refused; nothing else changes (DIR-21, DIR-30). In a
  /// transaction of the caller's, or else in one of its own. false: the vehicle's last manifest broke the
  /// same rule.
  Result<bool> note_refused(const VehicleId& vin, const Rejection& why, ByteView body, UtcTime now);
  /// Keeps them for a person to decide, each once, and notes a signal for each (DIR-14); no more than
  /// kMaxPendingEcus of a vehicle, and one signal for the rest.
  Result<void> note_pending(const inventory::Vehicle& vehicle, const std::vector<PendingEcu>& ecus,
                            UtcTime now);

  /// None where its newest manifest was accepted, or none ever came.
  Result<std::optional<inventory::ManifestRefusal>> refusal(const VehicleId& vin);
  Result<std::vector<AttackSignal>> attack_signals(const VehicleId& vin);  ///< oldest first
  Result<std::vector<PendingEcu>> pending_ecus(const VehicleId& vin);

  /// Whether any recorded ECU is of this kind.
  Result<bool> has_hardware(const HardwareId& hardware);
  /// Of all that are recorded: all of them, those of any of these kinds, those that verify partially.
  Result<FleetCount> count_all();
  Result<FleetCount> count_of(const std::vector<HardwareId>& hardware);
  Result<FleetCount> count_partial();
  /// Of these vehicles.
  Result<FleetCount> count_in(const std::vector<VehicleId>& vehicles);

 private:
  Result<std::uint64_t> pending_count(const std::string& vin);
  Result<FleetCount> count_where(std::string_view condition, const std::string& value);
  host::Db* db_;
};

}  // namespace cotter::storage
