// A director's keys and root, and sets signed with them: what the tests of director and app share.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "common/trust/draft.h"
#include "server/director/director_metadata.h"
#include "tests/unit/server/fleet.h"

namespace cotter::test {

class DirectorKeys {
 public:
  explicit DirectorKeys(std::uint8_t first_key = 50)
      : root_key(first_key),
        targets_key(static_cast<std::uint8_t>(first_key + 1)),
        snapshot_key(static_cast<std::uint8_t>(first_key + 2)),
        timestamp_key(static_cast<std::uint8_t>(first_key + 3)) {
    trust::Draft<model::Root> draft(first_root());
    draft.attach(root_key.sign(draft.canonical()).value());
    newest_.push_back(draft.seal_anchor().value());
    files_.push_back(bytes_of(newest_.back().wire()));
  }

  /// All roots so far.
  [[nodiscard]] std::span<const Bytes> roots() const { return files_; }
  /// The next root, with another key for the timestamp: what a rotation leaves behind.
  void rotate_timestamp_key(std::uint8_t number) {
    timestamp_key = NumberedSigner(number);
    model::Root next = first_root();
    next.version = Version(newest_.back()->version.value() + 1);
    trust::Draft<model::Root> draft(next);
    draft.attach(root_key.sign(draft.canonical()).value());
    newest_.push_back(draft.seal_successor(newest_.back()).value());
    files_.push_back(bytes_of(newest_.back().wire()));
  }

  template <class Role>
  trust::Verified<Role> seal(const Role& role, const RoleName& name) {
    trust::Draft<Role> draft(role);
    draft.attach(signer(name).sign(draft.canonical()).value());
    return draft.seal(trust::Authority::of_root(newest_.back(), name)).value();
  }
  /// All three files with one version, for a day.
  inventory::MetadataSet sign(const inventory::Vehicle& vehicle, std::uint64_t version, UtcTime now) {
    const director::Stamp stamp{vehicle.vin, Version(version), now + std::chrono::hours(24)};
    const auto targets =
        seal(director::make_targets(stamp, director::resolve(vehicle).value()), model::targets_role());
    const auto snapshot = seal(director::make_snapshot(stamp, targets), model::snapshot_role());
    const auto timestamp = seal(director::make_timestamp(stamp, snapshot), model::timestamp_role());
    inventory::MetadataSet set;
    set.targets_version = set.snapshot_version = set.timestamp_version = stamp.version;
    set.made_at = now;
    set.expires = stamp.expires;
    set.targets = bytes_of(targets.wire());
    set.snapshot = bytes_of(snapshot.wire());
    set.timestamp = bytes_of(timestamp.wire());
    return set;
  }

 private:
  static Bytes bytes_of(ByteView view) { return Bytes(view.begin(), view.end()); }
  NumberedSigner& signer(const RoleName& name) {
    if (name == model::targets_role()) return targets_key;
    return name == model::snapshot_role() ? snapshot_key : timestamp_key;
  }
  model::Root first_root() {
    model::Root root;
    root.version = Version(1);
    root.expires = kNoon + std::chrono::hours(24 * 365);
    const auto grant = [&](const RoleName& role, const NumberedSigner& key) {
      const KeyId id = key.public_key().computed_id();
      root.keys.insert_or_assign(id, key.public_key());
      root.roles[role] = model::RoleKeys{{id}, 1};
    };
    grant(model::root_role(), root_key);
    grant(model::targets_role(), targets_key);
    grant(model::snapshot_role(), snapshot_key);
    grant(model::timestamp_role(), timestamp_key);
    return root;
  }

 public:
  NumberedSigner root_key, targets_key, snapshot_key, timestamp_key;

 private:
  std::vector<trust::Verified<model::Root>> newest_;
  std::vector<Bytes> files_;
};

}  // namespace cotter::test
