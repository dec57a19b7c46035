// What lies beside every private key, wherever that is: NAME.key in a folder, with its public half, what it
// is for, and where the private half lives. Never holds an unencrypted private half, never asks for a
// passphrase. Plain values: safe on any thread.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/public_key.h"
#include "common/json/value.h"

namespace cotter::keystore {

/// The store of a key whose private half is in its own file, encrypted.
inline constexpr std::string_view kFileStore = "file";

struct KeyInfo {
  std::string name;  ///< "image-root-1"; the file is NAME.key
  std::string role;  ///< "image/root": what the key was made for; a note, metadata alone grants rights
  crypto::PublicKey key;
  KeyId id;
  UtcTime created;
  std::filesystem::path file;
  std::string store = std::string(kFileStore);  ///< or "pkcs11:token=…;id=…", "tpm:…"
};

/// Is told of a key that exists before its record does, and so before anybody could use it; an error of its
/// ends the making. Empty: nobody is told.
using BeforeRecord = std::function<Result<void>(const KeyInfo&)>;

/// One file, whole. The members that the store itself added stand in `document`.
struct KeyRecord {
  KeyInfo info;
  json::Object document;
};

/// "image-root-1.key" in `dir`.
std::filesystem::path record_path(const std::filesystem::path& dir, std::string_view name);

/// Fault: Usage, unless `name` is 1 to 64 of [A-Za-z0-9._-], no dot in front, and `role` at most 128 bytes of
/// printable ASCII without blanks.
Result<void> check_names(std::string_view name, std::string_view role);

/// Of a record that was read. Fault: Usage (its scheme is not in this OpenSSL).
Result<void> can_sign(const KeyInfo& info);

/// The members that every record has.
json::Object describe(const KeyInfo& info);

/// A key of a scheme that this OpenSSL lacks is read too. Faults: NotFound, Denied, Io (damaged: says what is
/// wrong and names the file).
Result<KeyRecord> read_record(const std::filesystem::path& file);
/// In order of name. Faults besides: NotFound (no folder).
Result<std::vector<KeyRecord>> read_records(const std::filesystem::path& dir);
/// Of all keys in `dir`, in order of name, the public halves; whatever holds the private ones need not be
/// there.
Result<std::vector<KeyInfo>> list_keys(const std::filesystem::path& dir);

/// A new file (0600), whole or not at all. Faults: Conflict (the name is taken), NoSpace, Denied, Io.
Result<void> create_record(const std::filesystem::path& file, const json::Object& document);
/// Likewise of a key that was just made, for which the name must be free before anybody is told.
Result<void> create_record(const KeyInfo& info, const json::Object& document, const BeforeRecord& before);

/// Fault: Io, "restore it from a backup".
tl::unexpected<Error> damaged_record(const std::filesystem::path& file, const std::string& why);

}  // namespace cotter::keystore
