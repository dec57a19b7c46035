// What the ledger says of keys: who has them, and where, when they last signed, when files began their lives.
// Never judges the ledger: that is `cotter audit verify`. As Db: one thread at a time.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/app/file_life.h"
#include "server/app/key_names.h"
#include "server/app/workspace.h"

namespace cotter::app {

struct KeyHistory {
  /// What all entries of one key say together: its first name, the last store.
  struct Made {
    SigningKey key;
    KeyName name;
    std::string scheme;
    std::optional<UtcTime> created;
    std::string store;  ///< empty: nobody said
  };
  std::vector<Made> made;         ///< each key once
  std::map<KeyId, UtcTime> used;  ///< the last signature
  FileTimes published;
  FileTimes drafted;  ///< what holders were asked to sign: the last time for a version
  std::map<VehicleId, UtcTime> certificates;  ///< of vehicles: until when the newest is good
  /// The last entry, which the ledger's own key signed for.
  std::optional<UtcTime> newest_entry;

  /// By its material; nullptr of a key that the ledger does not know.
  [[nodiscard]] const Made* find(const std::string& material) const;
  /// Names the keys that are out of reach now.
  void add_to(KeyNames& names) const;
};

/// `signed_by_hand`: the ids of roles ("image/targets") whose every signature is looked for. Of the
/// director's for its vehicles, of which there are millions, the newest alone are. Faults: Busy, Io.
Result<KeyHistory> read_key_history(host::Db& db, const std::set<std::string>& signed_by_hand);

/// `made` alone. Faults: Busy, Io.
Result<KeyHistory> read_known_keys(host::Db& db);
/// Its `published` alone. A release's time is its role's, for the role's own file and all bins of that
/// version. Faults: Busy, Io.
Result<FileTimes> read_publication_times(host::Db& db);

/// KeyNames::of(), and what the ledger calls the keys that are out of reach now: holders' whose media are in
/// the safe, and online ones that a signing process has. Faults: those of both.
Result<KeyNames> all_key_names(const Workspace& workspace);

}  // namespace cotter::app
