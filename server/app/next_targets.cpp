#include "server/app/next_targets.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "server/app/delegation_intake.h"
#include "server/app/record.h"
#include "server/ceremony/offline_bundle.h"
#include "server/ceremony/words.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::app {
namespace {

constexpr std::size_t kRoomForChanges = 48 * 1024;  // an image takes some 400 bytes
static_assert(kRoomForChanges + 8192 <= ledger::kMaxEntryBytes);

bool same_keys(const model::KeyRing& one_ring, const model::RoleKeys& one, const model::KeyRing& other_ring,
               const model::RoleKeys& other) {
  return one == other && std::ranges::all_of(one.keyids, [&](const KeyId& id) {
           const auto a = one_ring.find(id), b = other_ring.find(id);
           return a != one_ring.end() && b != other_ring.end() &&
                  a->second.material() == b->second.material();
         });
}

/// What says whose key signs the bins is the role's own file, and a new one would have to come with all bins
/// at the very moment at which the holders' signatures are complete.
Error keeps_its_key(const RoleName& role) {
  return Fault{Fault::Kind::Denied,
               role.value() + " is a release role: its key signs its own file and all its bins, and stays",
               "make another role for its paths, with a key of its own: cotter release end-role " +
                   role.value() + ", then cotter release init-role, then cotter release apply"};
}

}  // namespace

Result<void> check_delegated(host::Db& db, const trust::TrustedSet& published,
                             const repository::Layout& layout, const model::Targets& next) {
  const auto& before = (*published.targets())->delegations;
  if (!before || !next.delegations) return {};
  trust::TrustedSet set = published;
  repository::FolderTransport folder(layout.dir());
  PublishedFiles rekeyed;
  for (const model::DelegatedRole& entry : before->roles) {
    for (const model::AgreeingRole& role : entry.roles()) {
      const model::RoleKeys* keys = next.delegations->keys_of(role.name);
      if (keys == nullptr || same_keys(before->keys, role.keys, next.delegations->keys, *keys)) continue;
      if (!set.listed(role.name)) continue;
      const auto loaded = repository::load_delegated(set, folder, role.name, model::targets_role());
      const bool is_unknown = !loaded && (is_fault(loaded.error(), Fault::Kind::Io) ||
                                          is_fault(loaded.error(), Fault::Kind::Denied));
      if (is_unknown) return loaded;
      if (!loaded) continue;
      const trust::Verified<model::Targets>* file = set.targets(role.name, model::targets_role());
      // A supplier signs its own file, and so its bins, when it likes: the next time by the keys of that day.
      const bool has_bins = (*file)->delegations && (*file)->delegations->succinct;
      if (has_bins && !TRY(storage::SupplierStore(db).find(role.name))) return fail(keeps_its_key(role.name));
      rekeyed[role.name] = file;
    }
  }
  std::string wrong;
  for (const std::string& sentence : judge_rekeyed(next, rekeyed))
    wrong += (wrong.empty() ? "" : "; ") + sentence;
  if (wrong.empty()) return {};
  return fault(Fault::Kind::Denied, wrong,
               "vehicles would find nothing there any more; what waits already is changed by cotter ceremony "
               "open targets --add-key");
}

ledger::Entry transcript_of(const model::Targets& published, const VouchedTargets& next, UtcTime now) {
  const std::vector<std::string> changes = ceremony::changes_between(published, next.targets);
  json::Array keyids;
  for (const KeyId& id : next.keyids) keyids.emplace_back(id.value());
  json::Object details{{"version", next.targets.version.value()},
                       {"signed_sha256", next.signed_sha256},
                       {"read_aloud", ceremony::read_aloud(next.signed_sha256)},
                       {"keyids", std::move(keyids)}};
  set_first(details, "changes", json::Array(changes.begin(), changes.end()), kRoomForChanges);
  return {std::string(ledger::kCeremony), now, acting_account(),
          std::string(name_of(Repository::Image)) + "/" + model::targets_role().value(), std::move(details)};
}

}  // namespace cotter::app
