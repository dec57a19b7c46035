// What a folder of `cotter key list --proofs` or `cotter key forecast --proofs`, which are the same, proves
// to somebody who has it and the ledger's key: which keys metadata lists, what the ledger tells of each, and
// what of the metadata ends when. Never looks at a workspace, and takes nothing in the folder for granted.
// One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/json/value.h"
#include "server/app/live_roles.h"
#include "server/ledger/entry.h"
#include "server/ledger/note.h"

namespace cotter::app {

inline constexpr const char* kKeyListFile = "keys.json";
inline constexpr const char* kForecastFile = "forecast.json";
inline constexpr const char* kDirectorFolder =
    "director";  ///< of its roots, named like the image repository's

using ProvenEntries = std::map<std::uint64_t, ledger::Entry>;  ///< by index

/// The keys of all events among `entries`, in their order, each with its events and with the roles that list
/// it; then those that roles alone list. The same for everybody who has the same entries and metadata.
json::Value key_list(const ProvenEntries& entries, const std::vector<LiveRole>& roles,
                     const ledger::VerifierKey& key);

struct ProvenKeys {
  json::Value list{};                ///< key_list() of what the folder has; null where it does not hold
  json::Value forecast{};            ///< role_forecast() likewise, as of the time that the folder's has
  std::uint64_t signed_entries = 0;  ///< of the newest checkpoint
  std::vector<std::string> problems{};
  [[nodiscard]] bool healthy() const noexcept { return problems.empty(); }
};

/// Each entry is in the log that `key` signed, each other file has the hash that one of them tells, all roots
/// are there that they tell of, and all files of delegated roles but bins that the snapshot lists; metadata
/// verifies from the first roots on as for a client (expiry is not looked at), each key that it lists has an
/// event, and keys.json and forecast.json are what follows from all that, byte by byte. Faults: NotFound (no
/// such folder), Denied, Io.
Result<ProvenKeys> read_proven_keys(const std::filesystem::path& dir, const ledger::VerifierKey& key);

}  // namespace cotter::app
