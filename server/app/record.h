// What use cases write into the ledger, and the signing of it.
// Never writes by itself: an entry stands or falls with the transaction that it tells of. As Db: one thread
// at a time.
#pragma once

#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/json/value.h"
#include "server/ledger/entry.h"
#include "server/ledger/log_signer.h"

namespace cotter::app {

/// "account:alice": whom this program runs as, by the operating system; "account:#1000" of a nameless one.
const std::string& acting_account();
/// "vehicle:VIN-1": who a client certificate names.
std::string acting_vehicle(const VehicleId& vin);

/// "token:NAME": the bearer of a token of the operations API.
std::string acting_token(const std::string& name);

/// The ids of the keys that signed a file, as it says. Rejections: those of reading a signed file.
Result<std::vector<KeyId>> signers_in(ByteView wire);

/// A signed file in an entry: its role and version, the SHA-256 of its bytes, the ids of the keys that signed
/// it. Rejections: those of reading a signed file.
Result<json::Object> signed_file_details(const RoleName& role, Version version, ByteView wire);

/// The same where all of it is known.
json::Object hashed_file_details(const RoleName& role, Version version, ByteView sha256,
                                 const std::vector<KeyId>& signers);

/// Sets `member` to the first of `all`, as many as `room` bytes of JSON hold, and MEMBER_left_out to how many
/// are missing, if any.
void set_first(json::Object& details, const std::string& member, const json::Array& all, std::size_t room);

/// Adds the entry, inside a transaction of the caller's. Faults: Usage (too large), NoSpace, Busy, Io.
Result<void> record(host::Db& db, const ledger::Entry& entry);

/// Signs for all entries there are, in a transaction of its own: after that of the entries, for what is
/// signed must not be rolled back. Signs nothing without a key (a workspace from before the ledger has none),
/// when there is nothing new, and when the log is no continuation of what was signed before, as this log and
/// its signer remember it (Conflict): a log must not vouch for a fork of itself. Vehicles must not wait for
/// an investigation, so that is no error: the program's log says it, at most once a minute, and `cotter audit
/// verify` too. `key` is used while the transaction is open and no longer: by one thread and one process at a
/// time, whoever else holds it. Faults: those of the signer, NoSpace, Busy, Io.
Result<void> sign_ledger(host::Db& db, ledger::LogSigner* key, UtcTime now);

}  // namespace cotter::app
