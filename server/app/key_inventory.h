// Every key that there is: who holds it and where, when it signed last, what depends on it.
// Never asks for a passphrase, and takes no note of a key for a right: metadata alone grants those. One
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/keystore/key_record.h"
#include "server/app/key_history.h"
#include "server/app/key_names.h"
#include "server/app/live_roles.h"
#include "server/app/workspace.h"

namespace cotter::app {

/// What a workspace's metadata and ledger say of keys: read once, asked often.
struct KeyBook {
  KeyNames names;  ///< of the ledger, too: a holder's keys are away most of the time
  std::vector<LiveRole> roles;
  KeyHistory history;  ///< empty where there is no database
  /// Of the director's files for its vehicles the last to end.
  std::optional<UtcTime> sets_end;
  /// Who has the online keys: "server", or "signer" where cotter.toml names a signing process.
  std::string online_custodian = "server";
  /// Faults: those of reading. Rejections: those of a client.
  static Result<KeyBook> read(const Workspace& workspace);
  /// "holder-1", `online_custodian`, or the first digits of a key that nobody knows.
  [[nodiscard]] std::string custodian_of(const SigningKey& key) const;
};

/// A role that lists a key.
struct KeyUse {
  std::string role;  ///< "image/targets"
  std::uint32_t threshold = 0;
  std::uint32_t keys = 0;
  std::optional<UtcTime> expires;  ///< when its metadata ends
};

struct KeyEntry {
  std::string name;
  std::string custodian;
  SigningKey key;
  std::optional<keystore::KeyInfo> info;  ///< nothing: its folder is out of reach
  std::string scheme;                     ///< "ed25519"; empty: nobody knows
  std::optional<UtcTime> created;
  std::optional<UtcTime> used;     ///< its last signature that the ledger knows of
  std::optional<UtcTime> expires;  ///< of what it signs, the first to end
  std::vector<KeyUse> uses;        ///< none: a dead key
  bool signs_ledger = false;
};

/// `within_reach` in its order, then the keys that metadata lists and `book` alone knows, and a ledger's key
/// that a signing process has.
std::vector<KeyEntry> key_inventory(const std::vector<keystore::KeyInfo>& within_reach, const KeyBook& book);
/// Of one key.
KeyEntry key_entry(const keystore::KeyInfo& info, const KeyBook& book);

}  // namespace cotter::app
