// signing.db: what the signing process signed last in each series, every signature, and refusals.
// Never forgets or rewrites a row of the two lists; never judges: that is signing/policy.h. Belongs to its
// Db's thread. Every function's Faults: those of a read or write (Busy, NoSpace, Denied, Io).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/json/value.h"

namespace cotter::storage {

/// Opens or makes the database (0600) and migrates it. Faults: those of Db::open() and migrate().
Result<host::Db> open_signing_database(const std::filesystem::path& file);

/// One key, and of a director one vehicle; of a release role one of its files, whose name is in `vehicle`.
struct SigningSeries {
  KeyId keyid;
  std::string vehicle;
};

struct SignedLast {
  std::uint64_t number = 0;
  Bytes digest;
  json::Object listed;  ///< role -> version
};

struct SignedRow {
  UtcTime time{};
  std::uint64_t caller = 0;
  std::string key;
  SigningSeries series;
  std::uint64_t number = 0;
  Bytes digest;
};

struct RefusedRow {
  UtcTime time{};
  std::uint64_t caller = 0;
  std::string key;
  std::string policy;
  std::string why;
  Bytes digest;
};

struct ReleaseRoleRow {
  std::uint32_t bit_length = 0;
  std::uint64_t number = 0;  ///< the highest version
};

class SigningStore {
 public:
  explicit SigningStore(host::Db& db) : db_(&db) {}

  Result<std::optional<SignedLast>> last(const SigningSeries& series);
  Result<void> put_last(const SigningSeries& series, const SignedLast& last);
  /// All series of the key begin anew.
  Result<void> forget_last(const KeyId& keyid);
  /// The vehicle that this key's targets first named the ECU for.
  Result<std::optional<std::string>> owner(const KeyId& keyid, const std::string& serial);
  Result<void> put_owner(const KeyId& keyid, const std::string& serial, const std::string& vehicle);
  /// What was signed by a release role's key so far.
  Result<std::optional<ReleaseRoleRow>> release_role(const KeyId& keyid);
  Result<void> put_release_role(const KeyId& keyid, const ReleaseRoleRow& role);
  Result<void> add(const SignedRow& row);
  Result<void> add(const RefusedRow& row);
  Result<std::vector<SignedRow>> signatures();  ///< the oldest first
  Result<std::vector<RefusedRow>> refusals();   ///< likewise

 private:
  host::Db* db_;
};

}  // namespace cotter::storage
