#include "server/app/publish_release.h"

#include <optional>
#include <string>
#include <utility>

#include "common/model/roles.h"
#include "server/app/record_refusal.h"
#include "server/repository/image_store.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/counter_store.h"
#include "server/storage/sqlite/inventory_store.h"

namespace cotter::app {
namespace {

std::string summary_line(const repository::Release& release, const repository::Change& change) {
  std::string hardware;
  for (const HardwareId& id : release.hardware_ids) hardware += (hardware.empty() ? "" : ", ") + id.value();
  return std::string(change.replaced ? "replace " : "add ") + release.name.value() + " by version " +
         release.version + ", release counter " + std::to_string(change.counter.value()) + ", for " +
         hardware + ": " + std::to_string(release.length) + " bytes, sha256 " +
         to_hex(*release.hashes.find(crypto::HashFunction::Sha256));
}

/// Of the release's hardware ids those that no recorded ECU has.
Result<std::vector<HardwareId>> unknown_hardware(host::Db& db, const repository::Release& release) {
  storage::InventoryStore inventory(db);
  std::vector<HardwareId> unknown;
  for (const HardwareId& id : release.hardware_ids) {
    if (!TRY(inventory.has_hardware(id))) unknown.push_back(id);
  }
  return unknown;
}

/// The targets come first: what they list, nobody would find in a role's bin any more.
Result<void> check_not_listed_elsewhere(const RepositoryWriter& writer, const TargetName& name) {
  const auto other =
      TRY(repository::lister_before(writer.published(), writer.layout().dir(), name, model::targets_role()));
  if (!other || *other == model::targets_role()) return {};
  return fault(Fault::Kind::Denied, name.value() + " is listed by role " + other->value() + " already",
               "one name, one role: choose another name, or publish it there by --role");
}

Result<std::optional<repository::Reached>> highest_in_bins(host::Db& db, const repository::Release& release) {
  storage::CounterStore counters(db);
  std::optional<repository::Reached> highest;
  for (const HardwareId& id : release.hardware_ids) {
    const auto counter = TRY(counters.highest(id));
    if (counter && (!highest || highest->counter < *counter))
      highest = repository::Reached{*counter, id, "an earlier release"};
  }
  return highest;
}

Result<PublishOutcome> try_to_publish(const Workspace& workspace, const PublishRequest& request,
                                      UtcTime now) {
  TRY(repository::check_release(request.release));
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  const repository::IncomingImage image =
      TRY(repository::take_in(writer.layout().incoming_dir(), request.file, request.progress));
  repository::Release release = request.release;
  release.length = image.length();
  release.hashes = image.hashes();
  auto change = TRY(TargetsChange::begin(workspace, writer, request));
  TRY(check_not_listed_elsewhere(writer, release.name));
  repository::Change next =
      TRY(repository::with_release(change.listed(), release, TRY(highest_in_bins(writer.db(), release))));
  // Images before the metadata that list them (FMT-105); stored again, one that the disk damaged is mended.
  TRY(repository::store_image(writer.layout(), image, release.name));

  PublishOutcome outcome;
  outcome.length = release.length;
  outcome.hashes = release.hashes;
  outcome.counter = next.counter;
  outcome.unknown_hardware = TRY(unknown_hardware(writer.db(), release));
  const auto line = next.changed ? std::optional(summary_line(release, next)) : std::nullopt;
  static_cast<TargetsOutcome&>(outcome) = TRY(change.finish(std::move(next.targets), line));
  return outcome;
}

}  // namespace

Result<PublishOutcome> publish_release(const Workspace& workspace, const PublishRequest& request,
                                       UtcTime now) {
  const json::Object wanted{{"image", request.release.name.value()}};
  return try_and_tell(workspace, {"image/targets", "publication", wanted}, now, [&](AskedKeys& keys) {
    PublishRequest asking = request;
    asking.online = keys.noting(request.online);
    return try_to_publish(workspace, asking, now);
  });
}

}  // namespace cotter::app
