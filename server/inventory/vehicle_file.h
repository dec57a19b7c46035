// Many vehicles in one file, as a factory's systems hand them over: JSON Lines, or CSV. Never half a vehicle:
// one with a line that is wrong is told of, and not given. Memory: one vehicle, and of CSV the VINs. One
// thread.
#pragma once

#include <cstdint>
#include <istream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "server/inventory/vehicle.h"

namespace cotter::inventory {

/// What is wrong with a line, in words.
struct LineProblem {
  std::uint64_t line = 0;
  std::string vin{};  ///< as the line says; empty where it does not
  std::string why;
};

/// A vehicle as a file lists it.
struct ListedVehicle {
  std::uint64_t line = 0;                 ///< the first
  std::optional<VehicleRecord> record{};  ///< nothing where `wrong` has something
  std::vector<LineProblem> wrong{};
};

class VehicleFile {
 public:
  VehicleFile() = default;
  VehicleFile(const VehicleFile&) = delete;
  VehicleFile& operator=(const VehicleFile&) = delete;
  virtual ~VehicleFile() = default;

  enum class Form : std::uint8_t {
    JsonLines,  ///< a vehicle record (schemas/vehicle-record.schema.json) a line, of at most 1 MiB
    Csv,        ///< an ECU a line under a head line, docs/vehicles.md; the ECUs of a vehicle stand together
  };
  /// Faults: Usage (a head line without a column that is needed, or with one that is not known), Io.
  static Result<std::unique_ptr<VehicleFile>> read(std::unique_ptr<std::istream> in, Form form);

  /// The next vehicle; nothing at the end. Faults: Usage (no CSV, as of here: what follows cannot be told
  /// apart), Io.
  virtual Result<std::optional<ListedVehicle>> next() = 0;
  [[nodiscard]] virtual std::uint64_t bytes_read() const noexcept = 0;
};

}  // namespace cotter::inventory
