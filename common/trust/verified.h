// Unverified<T> -> Verified<T>: the only way from bytes to metadata that anything may act on.
// Never lets a field be read before a threshold of authorised keys has signed it. Values only; safe to move
// across threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/json/value.h"
#include "common/model/roles.h"
#include "common/model/time_attestation.h"
#include "common/model/time_source.h"
#include "common/trust/content_ahead.h"

namespace cotter::trust {

using model::Profile;

template <class T>
concept RoleType =
    std::same_as<T, model::Root> || std::same_as<T, model::Timestamp> || std::same_as<T, model::Snapshot> ||
    std::same_as<T, model::Targets> || std::same_as<T, model::TimeAttestation>;

template <RoleType T>
class Unverified;
template <RoleType T>
class Draft;

/// Metadata that a threshold of authorised keys signed. Read-only; only verification makes one.
template <RoleType T>
class Verified {
 public:
  [[nodiscard]] const T& operator*() const noexcept { return content_; }
  [[nodiscard]] const T* operator->() const noexcept { return &content_; }
  /// The very bytes that were verified: to store or to forward, never re-serialised.
  [[nodiscard]] ByteView wire() const noexcept { return wire_; }

 private:
  friend class Unverified<T>;
  Verified(T content, Bytes wire) : content_(std::move(content)), wire_(std::move(wire)) {}
  T content_;
  Bytes wire_;
};

/// Keys and a threshold, taken from metadata that is trusted already.
class Authority {
 public:
  /// The four top-level roles are always in a root.
  static Authority of_root(const Verified<model::Root>& root, const RoleName& role);
  /// A delegated role's keys, scoped to this delegating file (VER-33): named roles and succinct bins.
  /// Rejection: targets-not-in-snapshot is not asked here; role-missing when `role` is not delegated by this
  /// file.
  static Result<Authority> of_delegation(const Verified<model::Targets>& delegator, const RoleName& role);
  /// The same by a file that nobody has signed yet: for its publisher, to judge what it would be worth.
  static Result<Authority> of_draft(const model::Targets& delegator, const RoleName& role);
  /// Who attests the time: as a trusted director's root or targets list it.
  static Authority of_time_source(const model::TimeSource& source) { return {source.keys, source.role}; }

 private:
  template <RoleType T>
  friend class Unverified;
  Authority(const model::KeyRing& keys, const model::RoleKeys& role);
  model::KeyRing keys_;  ///< by id: a file with thousands of signatures asks for each
  std::uint32_t threshold_;
  std::optional<model::ClassThresholds> classes_;  ///< that are required
};

/// A signed file of which only the envelope has been read. Nothing in it can be looked at, not even its
/// version.
template <RoleType T>
class Unverified {
 public:
  /// Reads the envelope {"signatures":[…],"signed":{…}}. Rejections: json-*, member-* (more than
  /// kMaxSignatures, too), signature-key-repeated.
  static Result<Unverified> parse(Bytes wire, Profile profile);
  /// The same, with less work where `content` is what this file says.
  static Result<Unverified> parse(Bytes wire, Profile profile, ContentAhead content);
  /// The bytes as they came: for their length and their hash.
  [[nodiscard]] ByteView wire() const noexcept { return wire_; }
  /// Counts distinct keys of `authority` with a valid signature (VER-T), all of them, and those of each class
  /// where the role requires it; then decodes the tree that was signed. Rejections: threshold-not-met,
  /// class-threshold-not-met, and those of T::decode.
  Result<Verified<T>> verify(const Authority& authority) &&;

  /// Roots only. A successor needs the threshold of the trusted root's keys and of its own (VER-3).
  /// Rejections: threshold-not-met, root-self-threshold-not-met, class-threshold-not-met, and those of
  /// Root::decode.
  Result<Verified<T>> verify_successor(const Verified<T>& trusted) && requires std::same_as<T, model::Root>;
  /// Roots only. The pinned root, trusted because of where it lies: still signed by its own threshold.
  Result<Verified<T>> verify_anchor() && requires std::same_as<T, model::Root>;

 private:
  struct Signed {
    KeyId keyid;
    Bytes signature;
  };
  Unverified() = default;
  static Result<Unverified> of_envelope(json::Value document, Profile profile);
  Result<void> meets(const Authority& authority, RuleId otherwise) const;
  Result<T> decode() const;
  void find_canonical();
  /// Of what was signed: the bytes that signatures are for.
  [[nodiscard]] ByteView canonical() const noexcept;

  struct Part {
    std::size_t at, length;
  };
  Bytes wire_;
  json::Value signed_;
  std::optional<Part> in_wire_;  ///< where its canonical form lies there
  Bytes canonical_;              ///< else
  std::vector<Signed> signatures_;
  Profile profile_ = Profile::Vehicle;
};

}  // namespace cotter::trust
