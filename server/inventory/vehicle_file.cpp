#include "server/inventory/vehicle_file.h"

#include <utility>

#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "server/inventory/vehicle_csv.h"

namespace cotter::inventory {
namespace {

constexpr std::size_t kMaxLineBytes = std::size_t{1024} * 1024;

class VehicleLines final : public VehicleFile {
 public:
  explicit VehicleLines(std::unique_ptr<std::istream> in) : in_(std::move(in)) {}

  Result<std::optional<ListedVehicle>> next() override {
    std::string text;
    do {
      if (!TRY(read_line(text))) return std::optional<ListedVehicle>();
    } while (text.find_first_not_of(" \t\r") == std::string::npos);
    return std::optional(read(text));
  }
  [[nodiscard]] std::uint64_t bytes_read() const noexcept override { return read_; }

 private:
  /// false: there is none.
  Result<bool> read_line(std::string& text) {
    text.clear();
    ++line_;
    for (int c = in_->get(); c != std::char_traits<char>::eof(); c = in_->get()) {
      ++read_;
      if (c == '\n') return true;
      text.push_back(static_cast<char>(c));
      if (text.size() > kMaxLineBytes)
        return fault(Fault::Kind::Usage, "line " + std::to_string(line_) + " has more than 1 MiB",
                     "a vehicle a line: is it JSON Lines?");
    }
    if (in_->bad()) return fault(Fault::Kind::Io, "cannot read on after line " + std::to_string(line_));
    return !text.empty();
  }

  [[nodiscard]] ListedVehicle read(const std::string& text) const {
    ListedVehicle listed;
    listed.line = line_;
    const auto document = json::read(as_bytes(text));
    auto record = document ? VehicleRecord::decode(*document) : fail(document.error());
    if (record) {
      listed.record = *std::move(record);
      return listed;
    }
    std::string vin;
    const json::Object* members = document ? document->as_object() : nullptr;
    const json::Value* named = members == nullptr ? nullptr : members->find("vin");
    if (named != nullptr && named->as_string() != nullptr) vin = shown(named->as_string()->view());
    listed.wrong.push_back({line_, std::move(vin), summary(record.error())});
    return listed;
  }

  std::unique_ptr<std::istream> in_;
  std::uint64_t line_ = 0;
  std::uint64_t read_ = 0;
};

}  // namespace

Result<std::unique_ptr<VehicleFile>> VehicleFile::read(std::unique_ptr<std::istream> in, Form form) {
  if (form == Form::Csv) return VehicleCsv::read(std::move(in));
  return std::unique_ptr<VehicleFile>(std::make_unique<VehicleLines>(std::move(in)));
}

}  // namespace cotter::inventory
