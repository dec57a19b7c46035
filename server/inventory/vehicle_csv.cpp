#include "server/inventory/vehicle_csv.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

namespace cotter::inventory {
namespace {

constexpr std::array<std::string_view, 12> kColumns = {
    "vin",    "serial", "hardware_id",     "primary",      "verification", "keytype",
    "scheme", "public", "installed_image", "image_length", "image_sha256", "release_counter"};

std::string all_columns() {
  std::string all;
  for (const std::string_view column : kColumns) all += (all.empty() ? "" : ", ") + std::string(column);
  return all;
}

/// As JSON would have it; what is no number stays text, which the decoder refuses by its name.
json::Value number_in(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return json::Value(text);
  return json::Value(number);
}

json::Value truth_in(const std::string& text) {
  if (text == "true" || text == "false") return json::Value(text == "true");
  return json::Value(text);
}

}  // namespace

Result<std::unique_ptr<VehicleFile>> VehicleCsv::read(std::unique_ptr<std::istream> in) {
  std::unique_ptr<VehicleCsv> file(new VehicleCsv(std::move(in)));
  TRY(file->read_head());
  TRY(file->advance());
  return std::unique_ptr<VehicleFile>(std::move(file));
}

Result<void> VehicleCsv::read_head() {
  const auto head = TRY(rows_.next());
  const auto wrong = [](std::string what) {
    return fault(Fault::Kind::Usage, "the head line " + std::move(what),
                 "its columns, in any order: " + all_columns());
  };
  if (!head) return wrong("is missing: the file is empty");
  for (std::size_t i = 0; i < head->fields.size(); ++i) {
    const std::string& name = head->fields[i];
    if (std::ranges::find(kColumns, name) == kColumns.end())
      return wrong("has a column that is not known: " + shown(name));
    if (!columns_.emplace(name, i).second) return wrong("has " + name + " twice");
  }
  for (const std::string_view column : kColumns) {
    if (!columns_.contains(std::string(column))) return wrong("has no column " + std::string(column));
  }
  return {};
}

/// A row with too few fields or too many: nobody knows which are meant.
Result<void> VehicleCsv::advance() {
  row_ = TRY(rows_.next());
  if (!row_ || row_->fields.size() == columns_.size()) return {};
  return fault(Fault::Kind::Usage,
               "line " + std::to_string(row_->line) + " has " + std::to_string(row_->fields.size()) +
                   " fields, and the head line " + std::to_string(columns_.size()),
               "is a field with a comma in it without its quotes?");
}

const std::string& VehicleCsv::field(const CsvRows::Row& row, const std::string& column) const {
  return row.fields.at(columns_.at(column));
}

Result<EcuRecord> VehicleCsv::ecu_of(const CsvRows::Row& row) const {
  const json::Value ecu = json::Object{
      {"serial", field(row, "serial")},
      {"hardware_id", field(row, "hardware_id")},
      {"primary", truth_in(field(row, "primary"))},
      {"verification", field(row, "verification")},
      {"key", json::Object{{"keytype", field(row, "keytype")},
                           {"scheme", field(row, "scheme")},
                           {"keyval", json::Object{{"public", field(row, "public")}}}}},
      {"installed_image", json::Object{{"name", field(row, "installed_image")},
                                       {"length", number_in(field(row, "image_length"))},
                                       {"hashes", json::Object{{"sha256", field(row, "image_sha256")}}}}},
      {"release_counter", number_in(field(row, "release_counter"))}};
  return EcuRecord::decode(ecu);
}

Result<std::optional<ListedVehicle>> VehicleCsv::next() {
  if (!row_) return std::optional<ListedVehicle>();
  ListedVehicle listed;
  listed.line = row_->line;
  const std::string vin = field(*row_, "vin");
  // Else a part of the vehicle would be taken for the whole.
  if (!seen_.insert(vin).second) {
    return fault(Fault::Kind::Usage,
                 "line " + std::to_string(row_->line) + ": vehicle " + shown(vin) + " again, after others",
                 "the ECUs of a vehicle stand together: sort the file by VIN");
  }
  std::vector<EcuRecord> ecus;
  while (row_ && field(*row_, "vin") == vin) {
    auto ecu = ecu_of(*row_);
    if (ecu) {
      ecus.push_back(*std::move(ecu));
    } else {
      listed.wrong.push_back({row_->line, shown(vin), summary(ecu.error())});
    }
    TRY(advance());
  }
  if (!listed.wrong.empty()) return std::optional(std::move(listed));
  auto record = VehicleRecord::of(VehicleId(vin), std::move(ecus));
  if (record) {
    listed.record = *std::move(record);
  } else {
    listed.wrong.push_back({listed.line, shown(vin), summary(record.error())});
  }
  return std::optional(std::move(listed));
}

}  // namespace cotter::inventory
