#include "server/app/director_service.h"

#include <charconv>
#include <mutex>
#include <optional>

#include "common/model/file_names.h"
#include "server/app/assign.h"
#include "server/app/director_roots.h"
#include "server/director/director_metadata.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/director_store.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

using inventory::MetadataSet;

struct FileName {
  RoleName role;
  std::optional<Version> version;
};

/// Exactly the names that a client asks for: no second spelling of any (FMT-100).
std::optional<FileName> parse_file_name(std::string_view name) {
  std::uint64_t number = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), number);
  const std::optional<Version> version =
      parsed.ec == std::errc() ? std::optional(Version(number)) : std::nullopt;
  for (const RoleName& role :
       {model::root_role(), model::timestamp_role(), model::snapshot_role(), model::targets_role()}) {
    const bool versioned = role != model::timestamp_role();
    if (versioned == version.has_value() && model::metadata_file_name(role, version) == name) {
      return FileName{role, version};
    }
  }
  return std::nullopt;
}

Error no_such_file(const VehicleId& vehicle, std::string_view name) {
  return Fault{Fault::Kind::NotFound, "vehicle " + vehicle.value() + " has no director file " + shown(name),
               "the current set and the one before it are served"};
}

}  // namespace

struct DirectorService::State {
  State(DirectorPlaces p, DirectorSignersFor s, const Clock& c, host::Db opened, DirectorRoots read)
      : places(std::move(p)),
        signers_for(std::move(s)),
        clock(c),
        db(std::move(opened)),
        roots(std::move(read)) {}

  Result<DirectorSigners> signers();
  Result<MetadataSet> up_to_date_set(const VehicleId& vin);
  Result<std::optional<Bytes>> stored(const VehicleId& vin, const FileName& file);
  [[nodiscard]] bool is_due(const std::optional<MetadataSet>& set, std::uint64_t revision, UtcTime now) const;

  const DirectorPlaces places;
  const DirectorSignersFor signers_for;
  const Clock& clock;
  std::mutex one_at_a_time;  ///< guards all below: one connection, one thread in it
  host::Db db;
  DirectorRoots roots;
  std::optional<std::pair<Version, DirectorSigners>> last_signers;  ///< and the root that lists them
};

Result<DirectorSigners> DirectorService::State::signers() {
  const model::Root& root = *roots.newest();
  if (!last_signers || last_signers->first != root.version) {
    const DirectorSigners found = TRY(signers_for(root));
    COTTER_ASSERT(found.targets != nullptr && found.snapshot != nullptr && found.timestamp != nullptr);
    last_signers = {root.version, found};
  }
  return last_signers->second;
}

bool DirectorService::State::is_due(const std::optional<MetadataSet>& set, std::uint64_t revision,
                                    UtcTime now) const {
  return !set || set->desired_revision != revision || set->root_version != roots.newest()->version ||
         director::near_expiry(*set, now);
}

Result<MetadataSet> DirectorService::State::up_to_date_set(const VehicleId& vin) {
  storage::InventoryStore inventory(db);
  const std::uint64_t revision = TRY(inventory.desired_revision(vin));
  auto current = TRY(storage::DirectorStore(db).current(vin));
  const UtcTime now = clock.now();
  TRY(roots.read_on());
  if (!is_due(current, revision, now)) return *std::move(current);
  const inventory::Vehicle before = TRY(inventory.load(vin));
  TRY(adopt_factory_images(db, places.repo_dir, before, now));
  const inventory::Vehicle vehicle = TRY(inventory.load(vin));
  return sign_metadata(db, TRY(signers()), places.lifetimes, roots, vehicle, now);
}

Result<std::optional<Bytes>> DirectorService::State::stored(const VehicleId& vin, const FileName& file) {
  storage::DirectorStore store(db);
  if (file.role == model::snapshot_role()) return store.snapshot(vin, *file.version);
  if (file.role == model::targets_role()) return store.targets(vin, *file.version);
  // Roots are the same for all vehicles; a vehicle that we do not know gets none of them either.
  TRY(storage::InventoryStore(db).desired_revision(vin));
  TRY(roots.read_on());
  return roots.file(*file.version);
}

DirectorService::DirectorService(std::unique_ptr<State> state) : state_(std::move(state)) {}
DirectorService::~DirectorService() = default;

Result<std::unique_ptr<DirectorService>> DirectorService::open(const DirectorPlaces& places,
                                                               DirectorSignersFor signers,
                                                               const Clock& clock) {
  auto roots = TRY(DirectorRoots::read(places.director_dir));
  auto db = TRY(storage::open_database(places.database));
  auto state = std::make_unique<State>(places, std::move(signers), clock, std::move(db), std::move(roots));
  TRY(state->signers());
  return std::unique_ptr<DirectorService>(new DirectorService(std::move(state)));
}

Result<Bytes> DirectorService::metadata(const VehicleId& vehicle, std::string_view file_name) {
  const auto file = parse_file_name(file_name);
  if (!file) return fail(no_such_file(vehicle, file_name));
  const std::lock_guard lock(state_->one_at_a_time);
  if (!file->version) {
    MetadataSet set = TRY(state_->up_to_date_set(vehicle));
    return std::move(set.timestamp);
  }
  auto bytes = TRY(state_->stored(vehicle, *file));
  if (!bytes) return fail(no_such_file(vehicle, file_name));
  return *std::move(bytes);
}

Result<ManifestReceipt> DirectorService::accept_manifest(const VehicleId& caller, ByteView body) {
  const std::lock_guard lock(state_->one_at_a_time);
  return app::accept_manifest(state_->db, caller, body, state_->clock.now());
}

Result<RegistrationReceipt> DirectorService::confirm_ecus(const VehicleId& caller, ByteView body) {
  const std::lock_guard lock(state_->one_at_a_time);
  return app::confirm_ecus(state_->db, caller, body, state_->clock.now());
}

}  // namespace cotter::app
