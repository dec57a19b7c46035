// What a director works with, in a temporary folder: a database, its roots, a published image repository; and
// a vehicle's own way of reading its director files.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "common/host/atomic_file.h"
#include "common/model/file_names.h"
#include "common/trust/draft.h"
#include "common/trust/trusted_set.h"
#include "server/app/director_service.h"
#include "server/app/register_vehicle.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/inventory_store.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/director_repository.h"

namespace cotter::test {

/// An image for the brake of factory_record().
inline const TargetName kBrake2("brakes/mk4/2.bin");

struct SteppedClock final : Clock {
  UtcTime time = kNoon;
  [[nodiscard]] UtcTime now() const override { return time; }
};

/// A signer that breaks down when told to.
class FragileSigner final : public crypto::Signer {
 public:
  explicit FragileSigner(crypto::Signer& real) : real_(&real) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return real_->public_key(); }
  Result<crypto::Signature> sign(ByteView message) override {
    if (broken) return fault(Fault::Kind::Denied, "the token was pulled out");
    return real_->sign(message);
  }
  bool broken = false;

 private:
  crypto::Signer* real_;
};

/// An image repository of one key a role, written the way a publisher writes it.
class ImageFolder {
 public:
  explicit ImageFolder(std::filesystem::path dir) : dir_(std::move(dir)) {
    std::filesystem::create_directories(dir_);
    model::Root root;
    root.expires = kNoon + std::chrono::hours(24 * 365);
    const KeyId id = key_.public_key().computed_id();
    root.keys.emplace(id, key_.public_key());
    for (const RoleName& role :
         {model::root_role(), model::timestamp_role(), model::snapshot_role(), model::targets_role()}) {
      root.roles[role] = model::RoleKeys{{id}, 1};
    }
    write(root, model::root_role(), Version(1));
    publish({});
  }

  /// The next edition of the whole repository.
  void publish(const std::map<TargetName, model::Target>& images) {
    ++version_;
    model::Targets targets;
    targets.targets = images;
    const Bytes targets_file = write_next(targets, model::targets_role());
    model::Snapshot snapshot;
    snapshot.meta.set(model::targets_role(), listing(targets_file));
    const Bytes snapshot_file = write_next(snapshot, model::snapshot_role());
    model::Timestamp timestamp;
    timestamp.snapshot = listing(snapshot_file);
    write_next(timestamp, model::timestamp_role());
  }

 private:
  [[nodiscard]] model::FileMeta listing(const Bytes& file) const {
    model::FileMeta meta;
    meta.version = Version(version_);
    meta.length = file.size();
    meta.hashes = crypto::Hashes::of(file);
    return meta;
  }
  template <class Role>
  Bytes write_next(Role role, const RoleName& name) {
    role.version = Version(version_);
    role.expires = kNoon + std::chrono::hours(24 * 90);
    const bool versioned = name != model::timestamp_role();
    return write(role, name, versioned ? std::optional(role.version) : std::nullopt);
  }
  template <class Role>
  Bytes write(const Role& role, const RoleName& name, std::optional<Version> version) {
    trust::Draft<Role> draft(role);
    draft.attach(key_.sign(draft.canonical()).value());
    Bytes wire = draft.wire();
    COTTER_ASSERT(host::write_atomically(dir_ / model::metadata_file_name(name, version), wire));
    return wire;
  }

  std::filesystem::path dir_;
  NumberedSigner key_{90};
  std::uint64_t version_ = 0;
};

/// The same signers, whatever root is published.
inline app::DirectorSignersFor always(app::DirectorSigners signers) {
  return [signers](const model::Root&) { return Result<app::DirectorSigners>(signers); };
}

class Depot {
 public:
  Depot() : images(dir.path() / "repo") {
    std::filesystem::create_directories(places().director_dir);
    write_roots();
  }

  [[nodiscard]] app::DirectorPlaces places() const {
    return {dir.path() / "cotter.db", dir.path() / "director", dir.path() / "repo"};
  }
  void write_roots() const {
    for (std::size_t i = 0; i < keys.roots().size(); ++i) {
      const auto file = places().director_dir / (std::to_string(i + 1) + ".root.json");
      COTTER_ASSERT(host::write_atomically(file, keys.roots()[i]));
    }
  }
  [[nodiscard]] std::unique_ptr<app::DirectorService> open() {
    return app::DirectorService::open(
               places(), always({&targets_signer, &keys.snapshot_key, &keys.timestamp_key}), clock)
        .value();
  }
  /// A connection of its own, as `cotter` has beside cotterd.
  [[nodiscard]] host::Db database() const { return storage::open_database(places().database).value(); }
  void add_vehicle(const std::string& vin = "VIN-1", const std::string& prefix = "",
                   std::uint8_t first_key = 1) const {
    host::Db db = database();
    const std::string record = json::to_text(factory_record(vin, prefix, first_key).encode());
    COTTER_ASSERT(app::register_vehicle(db, as_bytes(record), clock.time));
  }
  [[nodiscard]] inventory::Vehicle vehicle(const std::string& vin = "VIN-1") const {
    host::Db db = database();
    return storage::InventoryStore(db).load(VehicleId(vin)).value();
  }
  [[nodiscard]] std::vector<storage::AttackSignal> signals(const std::string& vin = "VIN-1") const {
    host::Db db = database();
    return storage::InventoryStore(db).attack_signals(VehicleId(vin)).value();
  }
  [[nodiscard]] std::int64_t count(const std::string& what) const {
    host::Db db = database();
    auto row = db.query("SELECT count(*) FROM " + what).value();
    COTTER_ASSERT(row.step().value());
    return row.integer(0);
  }

  sim::TempDir dir;
  SteppedClock clock;
  DirectorKeys keys;
  FragileSigner targets_signer{keys.targets_key};
  ImageFolder images;
};

/// A vehicle that reads its director files from a service, with nothing but the first root to begin with.
class DirectorReader {
 public:
  DirectorReader(const Depot& depot, app::DirectorService& service, std::string vin = "VIN-1")
      : depot_(&depot), service_(&service), vin_(std::move(vin)) {}

  /// One refresh: the trusted set at its end. Remembers the timestamp as its floor.
  Result<trust::TrustedSet> refresh() {
    trust::Policy policy;
    policy.repository = Repository::Director;
    policy.vin = VehicleId(vin_);
    Bytes root = TRY(get("1.root.json"));
    auto set = TRY(trust::TrustedSet::anchored_at(std::move(root), depot_->clock.time, policy));
    for (std::uint64_t next = 2;; ++next) {
      auto file = get(std::to_string(next) + ".root.json");
      if (!file) break;
      TRY(set.update_root(*std::move(file)));
    }
    TRY(set.close_root_chain());
    if (!timestamp.empty()) set.recall_timestamp(timestamp);
    Bytes fetched = TRY(get("timestamp.json"));
    TRY(set.update_timestamp(fetched));
    timestamp = std::move(fetched);
    const auto snapshot = (*set.timestamp())->snapshot.version.value();
    TRY(set.update_snapshot(TRY(get(std::to_string(snapshot) + ".snapshot.json"))));
    const auto targets = set.listed(model::targets_role())->version.value();
    Bytes file = TRY(get(std::to_string(targets) + ".targets.json"));
    TRY(set.update_targets(std::move(file), model::targets_role(), model::root_role()));
    return set;
  }
  /// The names that the targets list, after a refresh.
  std::vector<std::string> listed() {
    const auto set = refresh();
    std::vector<std::string> names;
    if (!set) return {"(" + summary(set.error()) + ")"};
    for (const auto& [name, target] : (*set->targets())->targets) names.push_back(name.value());
    return names;
  }
  Result<Bytes> get(const std::string& file) { return service_->metadata(VehicleId(vin_), file); }

  Bytes timestamp;  ///< of the last refresh

 private:
  const Depot* depot_;
  app::DirectorService* service_;
  std::string vin_;
};

}  // namespace cotter::test
