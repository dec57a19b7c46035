// What the four roles' metadata say, as plain structs; decode() and encode() translate from and to the JSON
// of `signed`. Never checks a signature or a date: that is common/trust. Values only; threads may share them
// while nobody changes them.
//
// What decode() accepts, encode() gives back: unknown members, opaque key ids, keys of unknown kinds (FMT-9).
// Only these come back in another spelling: an absent `consistent_snapshot` or `terminating` as false; an
// empty `custom` as none; an empty `path_hash_prefixes` as empty `paths`; a null for an optional member as
// none; hex digits of hashes in lower case. A snapshot's entries come back as they were.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/digest.h"
#include "common/crypto/public_key.h"
#include "common/json/object_view.h"
#include "common/json/value.h"

namespace cotter::model {

using crypto::Profile;

/// What every role's metadata carries (FMT-2), and the members we do not know (FMT-9).
struct Header {
  std::string spec_version = "1.0.34";
  Version version{1};
  UtcTime expires{};
  json::Object unknown;
};

/// Beside a role's threshold, how many keys of each class must sign: `x-classes` (decision 0025). A client
/// that does not know it has the threshold, as before.
struct ClassThresholds {
  enum class Stage : std::uint8_t {
    Accept,   ///< announced: nobody asks for it yet
    Prefer,   ///< who signs and publishes asks for it, vehicles do not
    Require,  ///< vehicles refuse what does not meet it
  };
  Stage stage = Stage::Accept;
  std::map<crypto::KeyClass, std::uint32_t> least{};  ///< of the classes that we know; each 1 or more
  json::Object unknown{};

  /// "1 key of class post-quantum, signed by 0": the first class that lacks a signature, where the distinct
  /// keys that signed are of these classes.
  [[nodiscard]] std::optional<std::string> lacking(
      const std::vector<std::optional<crypto::KeyClass>>& signers) const;
  friend bool operator==(const ClassThresholds&, const ClassThresholds&) = default;
};
/// "accept", "prefer", "require"
std::string_view name_of(ClassThresholds::Stage stage) noexcept;
std::optional<ClassThresholds::Stage> stage_named(std::string_view name) noexcept;

/// Key ids that may sign for a role, and how many distinct keys must. threshold >= 1.
struct RoleKeys {
  std::vector<KeyId> keyids;
  std::uint32_t threshold = 1;
  json::Object unknown{};  ///< of an entry in a root; delegations keep their own
  std::optional<ClassThresholds> classes{};

  /// The classes that vehicles ask for: none before the stage is `require`.
  [[nodiscard]] std::optional<ClassThresholds> required_classes() const;
  friend bool operator==(const RoleKeys&, const RoleKeys&) = default;
};
using KeyRing = std::map<KeyId, crypto::PublicKey>;

struct Root : Header {
  static constexpr std::string_view kType = "root";
  bool consistent_snapshot = true;
  KeyRing keys;
  /// root, timestamp, snapshot and targets are always there; others are kept and grant nothing (FMT-33).
  std::map<RoleName, RoleKeys> roles;

  /// Rejections: role-type-wrong, spec-version-unsupported, version-zero, member-*, key-*, role-missing,
  /// threshold-zero, threshold-above-keys and consistent-snapshot-off (Vehicle profile).
  static Result<Root> decode(const json::Value& signed_part, Profile profile);
  [[nodiscard]] json::Value encode() const;
};

/// How one file lists another: version, and length and hashes where it gives them.
struct FileMeta {
  Version version{1};
  std::optional<std::uint64_t> length;
  std::optional<crypto::Hashes> hashes;
  json::Object unknown;

  /// Rejections: member-*, version-zero, hash*.
  static Result<FileMeta> decode(const json::ObjectView& view);
  [[nodiscard]] json::Value encode() const;
  friend bool operator==(const FileMeta&, const FileMeta&) = default;
};

struct Timestamp : Header {
  static constexpr std::string_view kType = "timestamp";
  FileMeta snapshot;
  std::optional<VehicleId> vin;  ///< on directors (FMT-61)

  /// Vehicle profile: hashes and length are required (FMT-40, GAP-39). Rejections as Root,
  /// timestamp-meta-not-only-snapshot.
  static Result<Timestamp> decode(const json::Value& signed_part, Profile profile);
  [[nodiscard]] json::Value encode() const;
};

/// The files that a snapshot lists, by role (their names without ".json"), kept as they were read: a large
/// repository's snapshot lists thousands, and each reader asks for few. A legacy `root.json` is kept and
/// ignored (FMT-47). A copy costs next to nothing until it is changed.
class MetaFiles {
 public:
  /// A view: lives as long as what it is an entry of, unchanged.
  struct Entry {
    std::string_view role;
    Version version;
    const json::Object* object;
    [[nodiscard]] FileMeta meta() const;
  };
  /// Goes through them in the order of their files' names, in which "fw-07.json" comes before "fw.json".
  class Iterator {
   public:
    explicit Iterator(const json::Member* at) : at_(at) {}
    Entry operator*() const;
    [[nodiscard]] std::string_view file_name() const noexcept { return at_->key; }
    /// Both list one file, and say the same of it.
    [[nodiscard]] bool says_as(const Iterator& other) const { return *at_ == *other.at_; }
    Iterator& operator++() {
      ++at_;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const json::Member* at_;
  };

  /// Every entry is looked at. Rejections: those of FileMeta, member-wrong-kind, role-name-unsafe (Vehicle
  /// profile).
  static Result<MetaFiles> decode(const json::ObjectView& view, Profile profile);
  [[nodiscard]] const json::Object& encode() const noexcept { return files_; }

  [[nodiscard]] std::optional<FileMeta> find(const RoleName& role) const;
  void set(const RoleName& role, const FileMeta& meta);  ///< adds or replaces
  void erase(const RoleName& role);
  [[nodiscard]] Iterator begin() const noexcept { return Iterator(files_.begin()); }
  [[nodiscard]] Iterator end() const noexcept { return Iterator(files_.end()); }
  [[nodiscard]] std::size_t size() const noexcept { return files_.size(); }

 private:
  json::Object files_;
};

struct Snapshot : Header {
  static constexpr std::string_view kType = "snapshot";
  MetaFiles meta;
  std::optional<VehicleId> vin;

  /// Rejections: as Root, role-name-unsafe (Vehicle profile).
  static Result<Snapshot> decode(const json::Value& signed_part, Profile profile);
  [[nodiscard]] json::Value encode() const;
};

/// ECUs of one hardware, and the release counters meant: of an element of `requires` or `conflicts` (DIR-40).
struct Condition {
  HardwareId hardware_id;
  ReleaseCounter min{0};
  ReleaseCounter max{UINT64_MAX};
  [[nodiscard]] bool holds_for(ReleaseCounter counter) const { return min <= counter && counter <= max; }
};

/// The section that must be equal on director and image repository (FMT-55): `custom.mustMatch`.
struct MustMatch {
  std::vector<HardwareId> hardware_ids;  ///< sorted
  ReleaseCounter release_counter;
  std::vector<Condition> needs;      ///< `requires`: what else must run in the vehicle
  std::vector<Condition> conflicts;  ///< what must not
  /// The whole section, unknown members too: what is compared.
  json::Object all;

  /// Both facts are required, the conditions are not. Rejections: member-*.
  static Result<MustMatch> decode(const json::Value& value);
  /// Makes the section with these facts and no others.
  static MustMatch of(std::vector<HardwareId> hardware_ids, ReleaseCounter counter);
};

/// One image as a targets file lists it.
struct Target {
  std::uint64_t length = 0;
  crypto::Hashes hashes;
  json::Object custom;   ///< whole, unknown members kept
  json::Object unknown;  ///< members beside length, hashes and custom

  /// `custom.mustMatch`, or, in the Tuf profile, the flat AKT style (`hardwareIds`, `releaseCounter`). There
  /// an absent list is empty and an absent counter 0, in the section too. Nothing when absent. Rejections:
  /// member-*.
  [[nodiscard]] Result<std::optional<MustMatch>> must_match(Profile profile) const;
  /// `custom.ecuIdentifiers` (FMT-53, FMT-54): ECU -> the hardware id that the director thinks it has. Empty
  /// when absent.
  [[nodiscard]] Result<std::map<EcuSerial, HardwareId>> ecus() const;
  static Result<Target> decode(const json::ObjectView& view);
  [[nodiscard]] json::Value encode() const;
};

/// One of several roles that must agree (TAP 3): an element of `roleinfo`.
struct AgreeingRole {
  RoleName name;
  RoleKeys keys;
  json::Object unknown{};
};

/// One entry of `delegations.roles` (FMT-71): of one role, or, with `roleinfo`, of several that must agree
/// (FMT-76).
struct DelegatedRole {
  RoleName name;                       ///< of the role, or of an entry of several
  RoleKeys keys;                       ///< of the one role
  std::vector<AgreeingRole> roleinfo;  ///< the several, in order of priority; else empty
  std::uint32_t min_roles_in_agreement = 1;
  std::vector<std::string> paths;               ///< shell globs; either these…
  std::vector<std::string> path_hash_prefixes;  ///< …or these (FMT-73)
  std::vector<HardwareId> hardware_ids;         ///< `x-hardwareIds`
  bool any_hardware = true;                     ///< the list was absent (VER-44)
  bool terminating = false;                     ///< FMT-72
  json::Object unknown;

  /// The path matches a pattern or a hash prefix (FMT-74).
  [[nodiscard]] bool covers(const TargetName& target) const;
  /// The entry names the hardware, or has no list.
  [[nodiscard]] bool is_for(const HardwareId& hardware) const;
  /// The roles that the entry delegates to, each with its keys: one, or all of `roleinfo`.
  [[nodiscard]] std::vector<AgreeingRole> roles() const;
};

/// TAP 15: 2^bit_length roles by the hash of the path, all with the same keys.
struct SuccinctRoles {
  RoleKeys keys;
  std::uint32_t bit_length = 0;  ///< 1..32
  std::string name_prefix;
  json::Object unknown;

  /// "PREFIX-07": the first bits of SHA-256 of the name, in lower-case hex, as many digits as the last bin
  /// needs.
  [[nodiscard]] RoleName bin_of(const TargetName& target) const;
  /// The name of a bin by its number, from 0 to 2^bit_length - 1.
  [[nodiscard]] RoleName bin(std::uint64_t number) const;
  /// Whether `name` is one of the bins.
  [[nodiscard]] bool has(const RoleName& name) const;
};

struct Delegations {
  KeyRing keys;
  std::vector<DelegatedRole> roles;  ///< in order of priority, as signed (IMG-6)
  std::optional<SuccinctRoles> succinct;
  json::Object unknown;
  /// Written in TAP 3's own form: `delegations` is the list, and the keys are its neighbour
  /// `keys_for_delegations`.
  bool bare_list = false;
  [[nodiscard]] bool empty() const noexcept { return keys.empty() && roles.empty() && !succinct; }
  /// The keys of a role that some entry delegates to; nullptr when none does.
  [[nodiscard]] const RoleKeys* keys_of(const RoleName& role) const noexcept;

  /// Rejections: key-*, member-*, threshold-* (also for `min_roles_in_agreement`), role-name-unsafe,
  /// delegation-repeated, delegation-paths-ambiguous (also for `succinct_roles` beside `roles`).
  static Result<Delegations> decode(const json::ObjectView& view, Profile profile);
  static Result<Delegations> decode_bare_list(const json::ObjectView& keys, const json::Array& list,
                                              Profile profile);
  [[nodiscard]] json::Value encode() const;
  [[nodiscard]] json::Value encode_list() const;
};

struct Targets : Header {
  static constexpr std::string_view kType = "targets";
  std::map<TargetName, Target> targets;
  std::optional<Delegations> delegations;
  std::optional<VehicleId> vin;  ///< on directors (FMT-61)

  /// Vehicle profile refuses unsafe names (target-name-unsafe), any profile an empty one. Rejections as Root,
  /// and those of Delegations.
  static Result<Targets> decode(const json::Value& signed_part, Profile profile);
  [[nodiscard]] json::Value encode() const;
};

/// Shell glob as TUF 4.5 means it (FMT-74): `*` and `?` do not match `/`; `[set]` with ranges and leading `!`
/// is supported; everything else is literal, a `[` that nothing closes in its segment too; case counts; `?`
/// and sets take one code point. A path of N segments matches only a pattern of N segments. Never
/// exponential.
bool glob_matches(std::string_view pattern, std::string_view path);

const RoleName& root_role();
const RoleName& timestamp_role();
const RoleName& snapshot_role();
const RoleName& targets_role();
bool is_top_level(std::string_view role) noexcept;
inline bool is_top_level(const RoleName& role) noexcept { return is_top_level(role.value()); }

}  // namespace cotter::model
