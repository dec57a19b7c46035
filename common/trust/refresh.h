// Sans-IO drivers of the client workflow: they say which file is needed next, and take it. Refresh brings one
// repository's top-level roles up to date; DelegationWalk finds one image through the delegations. Never
// fetch or store by themselves: the shell commits each batch of effects before it asks on. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/trust/delegation_order.h"
#include "common/trust/seams.h"
#include "common/trust/trusted_set.h"

namespace cotter::trust {

enum class Place : std::uint8_t { Stored, Remote };

/// The next file a driver needs. Answer with give() or, where it is definitely not there, absent().
struct Want {
  Place place = Place::Remote;
  RoleName role;
  std::optional<Version> version;  ///< in the file's name; none: unversioned
  std::uint64_t max_bytes = 0;
};

enum class Scope : std::uint8_t {
  Full,     ///< root, timestamp, snapshot, targets
  Partial,  ///< root and targets (Uptane 5.4.4.1)
};

class Refresh {
 public:
  explicit Refresh(TrustedSet anchored, Scope scope = Scope::Full);
  /// Of the snapshot's content, where that may have been read before: in a repository of one's own.
  void read_snapshot_ahead(ContentSource source) { snapshot_ahead_ = std::move(source); }
  /// Nothing: done; take() the set.
  [[nodiscard]] std::optional<Want> next() const;
  /// The file asked for. On a Rejection of a remote file the cycle ends here; what verified before stays
  /// trusted. A stored file that does not verify counts as absent. Rejections: file-too-large, roots-endless,
  /// and those of TrustedSet.
  Result<void> give(Bytes file);
  /// A missing next root ends the chain (VER-2); a missing stored file is no matter; any other is
  /// Fault::NotFound.
  Result<void> absent();
  /// In place of absent(), where the next root is missing: all that follows is judged by `now`, which the
  /// newest root's time source attests (TIM-5). Rejection: root-expired.
  Result<void> end_roots(UtcTime now);
  /// What the last step made trusted or obsolete; commit it as one batch.
  [[nodiscard]] std::vector<Effect> take_effects();
  [[nodiscard]] const TrustedSet& set() const noexcept { return set_; }
  TrustedSet take() &&;

 private:
  enum class Step : std::uint8_t {
    Root,
    StoredTimestamp,
    Timestamp,
    StoredSnapshot,
    Snapshot,
    StoredTargets,
    Targets,
    Done
  };
  Result<void> give_root(Bytes file);
  Result<void> give_remote(Bytes file);
  void after_snapshot();
  Result<void> ask_for_targets();
  template <class T>
  void store(const RoleName& role, const Verified<T>& file);

  TrustedSet set_;
  Scope scope_;
  Step step_ = Step::Root;
  std::uint32_t roots_ = 0;
  std::vector<Effect> effects_;
  ContentSource snapshot_ahead_;
};

/// Pre-order, depth-first (Uptane 5.4.4.7; VER-40 to VER-46). A role that cannot be loaded or verified ends
/// the search with its error and does not fall through to the next (VER-41).
///
/// Where several roles must agree (Uptane 5.4.4.8; VER-47), each is searched by itself, as if it stood alone;
/// what a terminating delegation below it ends is its own search. Roles that list the image with the same
/// length, hashes and mustMatch agree; of the sets that are large enough the one with the earliest role
/// counts. No such set: the entry does not list the image. One of the roles that cannot be verified ends the
/// search too: who hides one file must not choose the others' majority.
class DelegationWalk {
 public:
  /// `hardware`: also match `x-hardwareIds` of delegations (VER-44); none: plain TUF, not asked.
  DelegationWalk(TrustedSet set, TargetName target, std::optional<HardwareId> hardware);
  [[nodiscard]] std::optional<Want> next() const;
  Result<void> give(Bytes file);
  Result<void> absent();
  [[nodiscard]] std::vector<Effect> take_effects();
  /// Once next() is empty. Rejections: target-not-found, delegation-bomb.
  [[nodiscard]] Result<Found> found() const;
  [[nodiscard]] const TrustedSet& set() const noexcept { return set_; }
  /// The set with every role that was loaded on the way.
  TrustedSet take() &&;

 private:
  /// A role to look at, or roles that must agree.
  struct Visit {
    RoleName role;
    RoleName delegator;
    std::uint32_t depth = 0;
    std::vector<RoleName> together{};  ///< empty: `role` alone
    std::uint32_t least = 1;           ///< how many of `together` must agree
    bool is_bin = false;
  };
  /// One search from some role downward.
  struct Search {
    std::vector<Visit> stack{};  ///< the next to visit is the last
    std::set<RoleName> visited{};
    std::optional<Found> found{};
  };
  /// Roles that are being asked one after the other, each in a search of its own.
  struct Agreement {
    Visit entry;
    std::vector<std::optional<Found>> answers{};
  };
  void advance();
  void ask_next_of_several();
  void take_answer();
  void give_up(Error why);
  Result<void> check_caps(const Visit& visit) const;
  void enter(const Visit& visit, const Verified<model::Targets>& file);
  static Visit visit_of(const Passage& passage, const RoleName& delegator, std::uint32_t depth);
  [[nodiscard]] const Visit& current() const { return searches_.back().stack.back(); }
  [[nodiscard]] bool done() const { return searches_.back().stack.empty(); }

  TrustedSet set_;
  TargetName target_;
  std::optional<HardwareId> hardware_;
  std::vector<Search> searches_;  ///< the whole search, and within it one for each of `agreements_`
  std::vector<Agreement> agreements_;
  std::uint32_t looked_at_ = 0;  ///< roles, in all searches
  Place place_ = Place::Stored;
  std::optional<Error> broken_;
  std::vector<Effect> effects_;
};

/// Drives either to its end: stored files from `store`, others from `transport` by their names, effects
/// committed batch by batch.
Result<void> drive(Refresh& refresh, MetadataStore& store, Transport& transport);
/// Takes every newer root, and leaves the chain open for end_roots().
Result<void> drive_roots(Refresh& refresh, MetadataStore& store, Transport& transport);
Result<void> drive(DelegationWalk& walk, MetadataStore& store, Transport& transport);

}  // namespace cotter::trust
