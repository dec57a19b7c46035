// The durable memory behind "no version is signed twice" (FMT-3): ask it before signing.
// Never gives the same number to two contents, also across crashes. Belongs to its Db's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/host/sqlite.h"

namespace cotter::storage {

/// Whose versions: a repository, and on a director the vehicle.
struct Series {
  Repository repository = Repository::Image;
  std::optional<VehicleId> vehicle;
};

/// A role to be signed, and the version that is published now (0: none).
struct NextOf {
  RoleName role;
  Version published;
};

class VersionJournal {
 public:
  explicit VersionJournal(host::Db& db) : db_(&db) {}

  /// For signers at hand: a fresh number for each role, above what is published and above all that was ever
  /// noted; in the order asked. Spent when this returns: whoever crashes now skips it. Inside a transaction
  /// of the caller's it is durable with that; else it is by itself, in one commit for all. Faults of a write.
  Result<std::vector<Version>> reserve(const Series& series, const std::vector<NextOf>& roles);

  /// For signers elsewhere (bundles, ceremonies): notes that `version` stands for these canonical bytes.
  /// Noting the same again is fine; so may the same bytes be signed again. Fault: Conflict (the number is
  /// spent, or stands for other bytes).
  Result<void> note(const Series& series, const RoleName& role, Version version, ByteView canonical);

  /// Whether the newest number noted for `role` is `version` and stands for these canonical bytes.
  Result<bool> stands_for(const Series& series, const RoleName& role, Version version, ByteView canonical);

  /// The highest number noted; nothing before the first.
  Result<std::optional<Version>> highest(const Series& series, const RoleName& role);

  /// Of the timestamp, once clients can fetch this version of it.
  Result<void> note_shown(const Series& series, Version timestamp);
  /// The highest timestamp noted so; 0 before the first. What clients can fetch is this one or, where whoever
  /// published it was killed before the note, a later one; an older one was put back.
  Result<Version> shown(const Series& series);

 private:
  struct Noted {
    Version version;
    std::optional<Bytes> digest;
  };
  Result<std::optional<Noted>> find(const Series& series, const RoleName& role);
  Result<void> put(const Series& series, const RoleName& role, const Noted& noted);
  host::Db* db_;
};

}  // namespace cotter::storage
