// Who the kit is when it attacks a server: a hostile vehicle and its honest neighbour, as their factory would
// have recorded them. Their keys come from a seed file of the kit's own, so that the records, once in an
// inventory, fit every later run. Never a key that protects anything. Values only: safe on any thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "server/inventory/vehicle.h"

namespace cotter::replay {

/// Keys by number: 1 to 3 are those of the hostile vehicle's ECUs, 11 to 13 of the neighbour's, all others
/// are in no inventory.
class Identity {
 public:
  /// Reads the seed file, or makes it (0600) where there is none. Faults: Usage (no seed file of ours),
  /// Denied, NoSpace, NotFound (no such folder), Io.
  static Result<Identity> open(const std::filesystem::path& seed_file, std::string vin = "REPLAY-1");

  [[nodiscard]] const std::string& vin() const noexcept { return vin_; }
  [[nodiscard]] std::string neighbours_vin() const { return vin_ + "-NEIGHBOUR"; }
  [[nodiscard]] std::unique_ptr<crypto::Signer> key(std::uint64_t number) const;
  /// What the inventory must be given beforehand (schemas/vehicle-record.schema.json): VIN-GATEWAY (the
  /// primary), VIN-BRAKE (verifies fully) and VIN-DOOR (partially).
  [[nodiscard]] inventory::VehicleRecord record() const { return record_of(vin_, 1); }
  [[nodiscard]] inventory::VehicleRecord neighbours_record() const {
    return record_of(neighbours_vin(), kNeighboursFirstKey);
  }

  static constexpr std::uint64_t kNeighboursFirstKey = 11;

 private:
  Identity(Bytes seed, std::string vin) : seed_(std::move(seed)), vin_(std::move(vin)) {}
  [[nodiscard]] inventory::VehicleRecord record_of(const std::string& vin, std::uint64_t first_key) const;
  Bytes seed_;
  std::string vin_;
};

}  // namespace cotter::replay
