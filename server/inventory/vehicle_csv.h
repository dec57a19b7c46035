// Vehicles from CSV: an ECU a row, the rows of a vehicle together. See VehicleFile.
#pragma once

#include <istream>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "server/inventory/csv_rows.h"
#include "server/inventory/vehicle_file.h"

namespace cotter::inventory {

class VehicleCsv final : public VehicleFile {
 public:
  /// Reads the head line. Faults: as VehicleFile::read().
  static Result<std::unique_ptr<VehicleFile>> read(std::unique_ptr<std::istream> in);
  Result<std::optional<ListedVehicle>> next() override;
  [[nodiscard]] std::uint64_t bytes_read() const noexcept override { return rows_.bytes_read(); }

 private:
  explicit VehicleCsv(std::unique_ptr<std::istream> in) : in_(std::move(in)), rows_(*in_) {}
  Result<void> read_head();
  Result<void> advance();
  [[nodiscard]] const std::string& field(const CsvRows::Row& row, const std::string& column) const;
  [[nodiscard]] Result<EcuRecord> ecu_of(const CsvRows::Row& row) const;

  std::unique_ptr<std::istream> in_;
  CsvRows rows_;
  std::map<std::string, std::size_t> columns_;  ///< by name: which field
  std::optional<CsvRows::Row> row_{};           ///< that was read, and is of the next vehicle
  std::set<std::string> seen_;                  ///< VINs
};

}  // namespace cotter::inventory
