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
  /// "holder-1", `online_custodian`; of a key that nobody named the delegated role that lists it, for that is
  /// named after who has its keys; or the first digits of one that nobody knows.
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
  std::optional<keystore::KeyInfo> info;         ///< nothing: its folder is out of reach
  std::optional<crypto::PublicKey> public_half;  ///< nothing: nobody knows
  std::string scheme;                            ///< "ed25519"; empty: nobody knows
  std::string store;                             ///< as its record or the ledger says; empty: nobody does
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
/// The CA's and the server's key, which sign no metadata, by their certificates in pki/; one that is not
/// there, or of a kind that we do not sign with, is left out. Faults: Denied, Io.
Result<std::vector<KeyEntry>> tls_keys(const Workspace& workspace);

}  // namespace cotter::app
