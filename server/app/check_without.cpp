#include "server/app/check_without.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "common/base/limits.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/trust/verified.h"
#include "server/app/requirement.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/director_store.h"

namespace cotter::app {
namespace {

using model::KeyRing;
using trust::Authority;
using trust::TrustedSet;
using trust::Unverified;
using trust::Verified;

class WithoutCheck {
 public:
  WithoutCheck(trust::Transport& transport, const DirectorWithout& director,
               const std::set<std::string>& removed, UtcTime now)
      : transport_(&transport), director_(&director), removed_(&removed), now_(now) {}

  Result<std::vector<RoleWithout>> run() {
    TrustedSet image = TRY(repository::read_as_client(*transport_, repository::kBeforeAnyExpiry));
    const Verified<model::Root>& root = image.root();
    TRY(look_at_roots(Repository::Image, root, TRY(image_roots(root))));
    look_at_top(root, model::targets_role(), *image.targets());
    look_at_top(root, model::snapshot_role(), *image.snapshot());
    look_at_top(root, model::timestamp_role(), *image.timestamp());
    TRY(look_at_delegations(image));
    if (director_->roots != nullptr) TRY(look_at_director(*director_->roots));
    return std::move(found_);
  }

 private:
  /// The file without the signatures that `ring` says are of removed keys.
  Result<Bytes> stripped(ByteView wire, const KeyRing& ring) const {
    json::Value file = TRY(json::read(wire));
    json::Array left;
    for (const json::Value& entry : *TRY(TRY(json::ObjectView::of(file, "file")).array("signatures"))) {
      const auto signature = TRY(json::ObjectView::of(entry, "signature"));
      const auto key = ring.find(KeyId(TRY(signature.string("keyid"))));
      if (key == ring.end() || !removed_->contains(key->second.material())) left.push_back(entry);
    }
    file.as_object()->set("signatures", std::move(left));
    return to_bytes(json::to_text(file));
  }

  RoleWithout role_of(Repository repository, const RoleName& role, const RoleName& delegator,
                      const model::RoleKeys& keys, const KeyRing& ring) const {
    RoleWithout found;
    found.repository = repository;
    found.role = role;
    found.delegator = delegator;
    found.threshold = keys.threshold;
    const Requirement all = Requirement::keys_of(role, keys, ring).plain();
    found.keys = static_cast<std::uint32_t>(all.keys.size());
    const auto gone = std::count_if(all.keys.begin(), all.keys.end(),
                                    [&](const SigningKey& key) { return removed_->contains(key.material); });
    found.keys_left = found.keys - static_cast<std::uint32_t>(gone);
    return found;
  }

  /// Of several files of one role the first that does not hold counts, and the first to end.
  void note(RoleWithout& found, const RoleName& file, const Result<void>& verified,
            std::optional<UtcTime> expires) const {
    if (expires) found.expires = std::min(found.expires.value_or(*expires), *expires);
    const auto where = located(verified, found.repository, file.value());
    std::string why;
    if (!where) {
      why = summary(where.error());
    } else if (expires && *expires <= now_) {
      why = std::string(name_of(found.repository)) + "/" + file.value() + ": expired at " +
            format_utc(*expires);
    }
    if (why.empty()) {
      found.holds = found.holds.value_or(true);
    } else if (found.holds.value_or(true)) {
      found.holds = false;
      found.why = std::move(why);
    }
  }

  template <class T>
  Result<void> verify(ByteView wire, const KeyRing& ring, const Authority& authority) const {
    auto file = TRY(Unverified<T>::parse(TRY(stripped(wire, ring)), model::Profile::Vehicle));
    TRY(std::move(file).verify(authority));
    return {};
  }

  template <class T>
  void look_at_top(const Verified<model::Root>& root, const RoleName& role, const Verified<T>& file) {
    RoleWithout found =
        role_of(Repository::Image, role, model::root_role(), root->roles.at(role), root->keys);
    note(found, role, verify<T>(file.wire(), root->keys, Authority::of_root(root, role)), file->expires);
    found_.push_back(std::move(found));
  }

  /// All root files, the first version first.
  Result<std::vector<Bytes>> image_roots(const Verified<model::Root>& newest) {
    std::vector<Bytes> files;
    for (std::uint64_t version = 1; version <= newest->version.value(); ++version) {
      const std::string name = model::metadata_file_name(model::root_role(), Version(version));
      files.push_back(TRY(transport_->get(name, Limits{}.root_bytes)));
    }
    return files;
  }

  /// The chain is followed as it is, and each link is tried without the signatures.
  Result<void> follow(const std::vector<Bytes>& files) const {
    std::optional<Verified<model::Root>> trusted;
    for (const Bytes& wire : files) {
      auto whole = TRY(Unverified<model::Root>::parse(wire, model::Profile::Vehicle));
      auto next =
          TRY(trusted ? std::move(whole).verify_successor(*trusted) : std::move(whole).verify_anchor());
      KeyRing ring = next->keys;
      if (trusted) ring.insert((*trusted)->keys.begin(), (*trusted)->keys.end());
      auto less = TRY(Unverified<model::Root>::parse(TRY(stripped(wire, ring)), model::Profile::Vehicle));
      TRY(trusted ? std::move(less).verify_successor(*trusted) : std::move(less).verify_anchor());
      trusted = std::move(next);
    }
    return {};
  }

  Result<void> look_at_roots(Repository repository, const Verified<model::Root>& newest,
                             const std::vector<Bytes>& files) {
    const RoleName& role = model::root_role();
    RoleWithout found = role_of(repository, role, role, newest->roles.at(role), newest->keys);
    note(found, role, follow(files), newest->expires);
    found_.push_back(std::move(found));
    return {};
  }

  Result<void> look_at_delegations(TrustedSet& image) {
    std::set<std::pair<RoleName, RoleName>> seen;
    std::deque<std::pair<RoleName, RoleName>> to_visit{{model::targets_role(), model::root_role()}};
    while (!to_visit.empty()) {
      const auto [delegator, above] = to_visit.front();
      to_visit.pop_front();
      const Verified<model::Targets>* file = image.targets(delegator, above);
      if (file == nullptr || !(*file)->delegations) continue;
      const model::Delegations delegations = *(*file)->delegations;
      for (const model::DelegatedRole& entry : delegations.roles) {
        for (const model::AgreeingRole& role : entry.roles()) {
          if (!seen.emplace(role.name, delegator).second) continue;
          to_visit.emplace_back(role.name, delegator);
          found_.push_back(role_of(Repository::Image, role.name, delegator, role.keys, delegations.keys));
          if (!image.listed(role.name)) continue;  // a supplier that has handed nothing in yet
          TRY(look_at_delegated(image, role.name, delegator, above, found_.back()));
        }
      }
      if (!delegations.succinct) continue;
      const model::SuccinctRoles& bins = *delegations.succinct;
      found_.push_back(
          role_of(Repository::Image, RoleName(bins.name_prefix), delegator, bins.keys, delegations.keys));
      for (const RoleName& bin : TRY(look_at_bins(image, bins, delegator, above, found_.back()))) {
        to_visit.emplace_back(bin, delegator);
      }
    }
    return {};
  }

  /// Reads `role` into the set, where its delegator's file is.
  Result<void> look_at_delegated(TrustedSet& image, const RoleName& role, const RoleName& delegator,
                                 const RoleName& above, RoleWithout& found) const {
    if (auto loaded = repository::load_delegated(image, *transport_, role, delegator); !loaded) {
      note(found, role, loaded, {});
      return {};
    }
    const Verified<model::Targets>& file = *image.targets(role, delegator);
    const Verified<model::Targets>& list = *image.targets(delegator, above);
    const Authority authority = TRY(Authority::of_delegation(list, role));
    note(found, role, verify<model::Targets>(file.wire(), list->delegations->keys, authority), file->expires);
    return {};
  }

  /// Thousands are read one at a time; those that delegate on, which stay in the set, are returned.
  Result<std::vector<RoleName>> look_at_bins(TrustedSet& image, const model::SuccinctRoles& bins,
                                             const RoleName& delegator, const RoleName& above,
                                             RoleWithout& found) const {
    std::vector<RoleName> delegating;
    for (std::uint64_t number = 0; number >> bins.bit_length == 0; ++number) {
      const RoleName bin = bins.bin(number);
      TrustedSet with_bin = image;
      TRY(look_at_delegated(with_bin, bin, delegator, above, found));
      const Verified<model::Targets>* file = with_bin.targets(bin, delegator);
      if (file == nullptr || !(*file)->delegations) continue;
      delegating.push_back(bin);
      image = std::move(with_bin);
    }
    return delegating;
  }

  Result<void> look_at_director(const DirectorRoots& roots) {
    const Verified<model::Root>& root = roots.newest();
    TRY(look_at_roots(Repository::Director, root, {roots.files().begin(), roots.files().end()}));
    const std::size_t first = found_.size();
    for (const RoleName& role : {model::targets_role(), model::snapshot_role(), model::timestamp_role()}) {
      found_.push_back(
          role_of(Repository::Director, role, model::root_role(), root->roles.at(role), root->keys));
    }
    if (director_->sets == nullptr) return {};
    storage::DirectorStore store(*director_->sets);
    for (const auto& vehicle : TRY(storage::InventoryStore(*director_->sets).list())) {
      const auto set = TRY(store.current(vehicle.vin));
      if (!set) continue;
      look_at_file<model::Targets>(root, set->targets, set->expires, found_[first]);
      look_at_file<model::Snapshot>(root, set->snapshot, set->expires, found_[first + 1]);
      look_at_file<model::Timestamp>(root, set->timestamp, set->expires, found_[first + 2]);
    }
    return {};
  }

  /// One vehicle's file of a role.
  template <class T>
  void look_at_file(const Verified<model::Root>& root, const Bytes& wire, UtcTime expires,
                    RoleWithout& found) const {
    const auto verified = verify<T>(wire, root->keys, Authority::of_root(root, found.role));
    if (!verified || expires <= now_) ++found.vehicles;
    note(found, found.role, verified, expires);
  }

  trust::Transport* transport_;
  const DirectorWithout* director_;
  const std::set<std::string>* removed_;
  UtcTime now_;
  std::vector<RoleWithout> found_;
};

}  // namespace

Result<std::vector<RoleWithout>> check_without(trust::Transport& transport, const DirectorWithout& director,
                                               const std::set<std::string>& removed, UtcTime now) {
  return WithoutCheck(transport, director, removed, now).run();
}

}  // namespace cotter::app
