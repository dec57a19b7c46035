// Private keys as encrypted files in one folder: NAME.key, public half in clear, private half under a
// passphrase. Never writes a private key unencrypted, never asks for a passphrase to list. One thread at a
// time; the signers it hands out stand alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/public_key.h"
#include "common/crypto/secret.h"
#include "common/crypto/signer.h"

namespace cotter::host {

/// What deriving the encryption key from the passphrase costs (Argon2id, one lane). Stands in every file's
/// header.
struct KdfCost {
  std::uint64_t passes = 3;              ///< RFC 9106 section 4, second recommendation
  std::uint64_t memory_kib = 64 * 1024;  ///< likewise; 0.1 to 0.3 s on a small machine
};

/// The public half of a key file.
struct KeyInfo {
  std::string name;  ///< "image-root-1"; the file is NAME.key
  std::string role;  ///< "image/root": what the key was made for; a note, metadata alone grants rights
  crypto::PublicKey key;
  KeyId id;
  UtcTime created;
  std::filesystem::path file;
};

/// A folder of key files, unlocked once: one derivation serves all keys that share a salt, as all do that
/// were made in this folder.
class FileKeystore {
 public:
  /// A store that starts empty in `dir`, which is made (0700) when missing. Faults: Conflict (there are keys
  /// already), Denied, Io.
  static Result<FileKeystore> create(const std::filesystem::path& dir, const crypto::Secret& passphrase,
                                     KdfCost cost = {});
  /// Faults: NotFound (no folder, or no key in it), Denied (wrong passphrase), Io (a damaged file).
  static Result<FileKeystore> open(const std::filesystem::path& dir, const crypto::Secret& passphrase);

  /// All keys in `dir` in order of name, from their clear headers; no passphrase, nothing derived. Faults:
  /// NotFound (no folder), Denied, Io (a damaged file, named).
  static Result<std::vector<KeyInfo>> list(const std::filesystem::path& dir);

  /// Makes an ed25519 key and its file (0600). `name` is 1 to 64 of [A-Za-z0-9._-]. Faults: Usage (name),
  /// Conflict (the name is taken), NoSpace, Denied, Io.
  Result<KeyInfo> generate(std::string_view name, std::string_view role, UtcTime now);
  [[nodiscard]] Result<std::vector<KeyInfo>> list() const { return list(dir_); }
  /// Faults: NotFound, Denied (made under another passphrase), Io (damaged).
  Result<std::unique_ptr<crypto::Signer>> signer(std::string_view name) const;

 private:
  FileKeystore(std::filesystem::path dir, Bytes salt, KdfCost cost, crypto::Secret key);
  std::filesystem::path dir_;
  Bytes salt_;
  KdfCost cost_;
  crypto::Secret key_;  ///< encrypts the private halves
};

}  // namespace cotter::host
