#include "client/ecu/floors.h"

#include "client/install/floor_records.h"
#include "client/tpm/tpm_floors.h"

namespace cotter::client {
namespace {

constexpr std::string_view kFile = "file:";
constexpr std::string_view kTpm = "tpm:";
constexpr std::int64_t kFirstIndex = 0x01000000;
constexpr std::int64_t kLastIndex = 0x01FFFFFF;

bool names(std::string_view store, std::string_view kind) {
  return store.starts_with(kind) && store.size() > kind.size();
}

}  // namespace

Result<FloorPlace> read_floor_place(const host::Config& config, const std::filesystem::path& dir) {
  FloorPlace place;
  place.dir = dir;
  place.store = TRY(config.string_or("floor.store", place.store));
  place.nv_index = static_cast<std::uint32_t>(
      TRY(config.integer_or("floor.nv_index", FloorPlace::kDefaultIndex, kFirstIndex, kLastIndex)));
  if (!names(place.store, kFile) && !names(place.store, kTpm)) {
    return fail(config.bad_value("floor.store", "must be \"file:FOLDER\" or \"tpm:TCTI\""));
  }
  return place;
}

Result<std::unique_ptr<FloorStore>> open_floors(disk::Disk& disk, const FloorPlace& place) {
  const std::string& store = place.store;
  if (names(store, kFile)) {
    return std::make_unique<FloorFiles>(disk, (place.dir / store.substr(kFile.size())).string());
  }
  if (names(store, kTpm)) {
    return std::make_unique<TpmFloors>(store.substr(kTpm.size()), place.nv_index);
  }
  return fault(Fault::Kind::Usage, "\"" + store + "\" is no place for rollback floors",
               "write \"file:FOLDER\" or \"tpm:TCTI\"");
}

Result<void> make_floors(FloorStore& floors) {
  Result<void> begun = floors.begin_anew();
  if (!begun && is_fault(begun.error(), Fault::Kind::Conflict)) return {};
  return begun;
}

}  // namespace cotter::client
