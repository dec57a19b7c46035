#include <algorithm>
#include <utility>
#include <vector>

#include "client/fetch/curl_session.h"
#include "client/fetch/curl_transport.h"
#include "client/store/metadata_folder.h"
#include "client/store/target_folder.h"
#include "client/tuf/commands.h"
#include "client/tuf/repository.h"
#include "common/host/atomic_file.h"
#include "common/trust/refresh.h"
#include "common/trust/uptane_match.h"

namespace cotter::tuf {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxMetadataBytes = 8 * 1024 * 1024;

/// A store that keeps the top-level targets back until they are released; all else passes.
class TargetsHeldBack final : public trust::MetadataStore {
 public:
  explicit TargetsHeldBack(trust::MetadataStore& below) : below_(&below) {}
  Result<std::optional<Bytes>> load(Repository repository, const RoleName& role) const override {
    return below_->load(repository, role);
  }
  Result<void> commit(Repository repository, std::span<const trust::Effect> effects) override {
    std::vector<trust::Effect> passing;
    for (const trust::Effect& effect : effects) {
      const auto* store = std::get_if<trust::Store>(&effect);
      const bool is_held = store != nullptr && store->role == model::targets_role();
      (is_held ? held_ : passing).push_back(effect);
    }
    return passing.empty() ? Result<void>() : below_->commit(repository, passing);
  }
  Result<void> release(Repository repository) {
    if (held_.empty()) return {};
    return below_->commit(repository, std::exchange(held_, {}));
  }

 private:
  trust::MetadataStore* below_;
  std::vector<trust::Effect> held_;
};

struct Folders {
  fs::path director, image;
};
Folders folders_of(const Arguments& arguments) {
  return {arguments.metadata_dir / "director", arguments.metadata_dir / "image"};
}

trust::Policy director_policy(const Arguments& arguments) {
  trust::Policy policy = plain_policy(Repository::Director);
  policy.ecus = std::set<EcuSerial>{EcuSerial(arguments.ecu_serial)};
  if (arguments.vin) policy.vin = VehicleId(*arguments.vin);
  return policy;
}

/// The counter of what this ECU was last assigned, as far as that was carried out: targets that were not are
/// not stored (full_verification 10.4).
Result<ReleaseCounter> last_counter(const trust::TrustedSet& director, const EcuSerial& ecu) {
  const auto* previous = director.recalled_targets();
  if (previous == nullptr) return ReleaseCounter();
  for (const auto& [name, target] : (*previous)->targets) {
    if (!TRY(target.ecus()).contains(ecu)) continue;
    const auto facts = TRY(target.must_match(trust::Profile::Tuf));
    if (facts) return facts->release_counter;
  }
  return ReleaseCounter();
}

Result<trust::VehicleRecord> vehicle_record(const Arguments& arguments, const trust::TrustedSet& director) {
  trust::ProvisionedEcu ecu;
  ecu.serial = EcuSerial(arguments.ecu_serial);
  ecu.hardware_id = HardwareId(arguments.hardware_id);
  ecu.floor = TRY(last_counter(director, ecu.serial));
  return trust::VehicleRecord{VehicleId(arguments.vin.value_or("")), {std::move(ecu)}};
}

/// What the director chose that the image repository confirms: both verified, side by side.
Result<std::vector<trust::Assignment>> confirm(const trust::TrustedSet& director, trust::TrustedSet& image,
                                               const trust::VehicleRecord& record,
                                               trust::MetadataStore& store, trust::Transport& transport) {
  for (const trust::Pending& wanted : TRY(pending(director, record))) {
    trust::DelegationWalk walk(image, wanted.name, wanted.hardware_id);
    TRY(drive(walk, store, transport));
    image = std::move(walk).take();
  }
  return match(director, image, record);
}

/// Name -> file, once all of them are there.
Result<json::Object> fetch_all(disk::Disk& disk, const Arguments& arguments,
                               const std::vector<trust::Assignment>& assignments, bool consistent,
                               client::CurlSession& session) {
  const client::TargetFolder folder = TRY(client::TargetFolder::open(disk, arguments.target_dir));
  std::vector<client::IncomingTarget> incoming;
  json::Object files;
  for (const trust::Assignment& assignment : assignments) {
    files.set(assignment.name().value(), folder.path_of(assignment.name()).string());
    if (folder.has(assignment.name(), assignment.target())) continue;
    incoming.push_back(TRY(fetch_target(session, arguments.image_target_url, folder, assignment.name(),
                                        assignment.target(), consistent)));
  }
  TRY(folder.publish(std::move(incoming)));
  return files;
}

}  // namespace

Result<Report> uptane_init(disk::Disk& disk, const Arguments& arguments) {
  const Folders folders = folders_of(arguments);
  for (const auto& [file, repository] : {std::pair(arguments.roots.at(0), Repository::Director),
                                         std::pair(arguments.roots.at(1), Repository::Image)}) {
    trust::Policy policy = plain_policy(repository);
    TRY(trust::TrustedSet::anchored_at(TRY(host::read_file(file, policy.limits.root_bytes)), UtcTime(),
                                       policy));
  }
  TRY(pin_root(arguments.roots.at(0), plain_policy(Repository::Director),
               client::MetadataFolder(disk, Repository::Director, folders.director)));
  TRY(pin_root(arguments.roots.at(1), plain_policy(Repository::Image),
               client::MetadataFolder(disk, Repository::Image, folders.image)));
  return Report{};
}

Result<Report> uptane_update(disk::Disk& disk, const Arguments& arguments, UtcTime now) {
  const Folders folders = folders_of(arguments);
  client::CurlSession session = TRY(client::CurlSession::create({}));

  client::MetadataFolder director_folder(disk, Repository::Director, folders.director);
  TargetsHeldBack director_store(director_folder);
  client::CurlTransport director_transport(session, arguments.director_url, kMaxMetadataBytes);
  const trust::TrustedSet director = TRY(bring_up_to_date(director_policy(arguments), now, director_store,
                                                          director_transport, folders.director));
  const trust::VehicleRecord record = TRY(vehicle_record(arguments, director));
  // Nothing assigned: nothing to ask the image repository (full_verification 6).
  if (TRY(pending(director, record)).empty()) {
    TRY(director_store.release(Repository::Director));
    return Report{{"director", versions_of(director)}, {"targets", json::Object()}};
  }

  client::MetadataFolder image_store(disk, Repository::Image, folders.image);
  client::CurlTransport image_transport(session, arguments.image_url, kMaxMetadataBytes);
  trust::TrustedSet image = TRY(
      bring_up_to_date(plain_policy(Repository::Image), now, image_store, image_transport, folders.image));
  const std::vector<trust::Assignment> assignments =
      TRY(confirm(director, image, record, image_store, image_transport));
  json::Object files =
      TRY(fetch_all(disk, arguments, assignments, image.root()->consistent_snapshot, session));
  TRY(director_store.release(Repository::Director));
  return Report{
      {"director", versions_of(director)}, {"image", versions_of(image)}, {"targets", std::move(files)}};
}

}  // namespace cotter::tuf
