// Private keys as encrypted files in one folder: NAME.key, public half in clear, private half under a
// passphrase. Never writes a private key unencrypted, never asks for a passphrase to list. One thread at a
// time; the signers it hands out stand alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/secret.h"
#include "common/crypto/signer.h"
#include "common/keystore/key_record.h"
#include "common/keystore/openssl_key.h"

namespace cotter::keystore {

/// What deriving the encryption key from the passphrase costs (Argon2id, one lane). Stands in every file's
/// header.
struct KdfCost {
  std::uint64_t passes = 3;              ///< RFC 9106 section 4, second recommendation
  std::uint64_t memory_kib = 64 * 1024;  ///< likewise; 0.1 to 0.3 s on a small machine
};

/// Whether a passphrase guards any key of the folder; none where there is no folder. Faults: Denied, Io.
Result<bool> has_sealed_keys(const std::filesystem::path& dir);

/// The sealed keys of a folder, unlocked once: one derivation serves all keys that share a salt, as all do
/// that were made in this folder. Records of keys that are elsewhere it passes over.
class FileKeystore {
 public:
  /// A store that starts empty in `dir`, which is made (0700) when missing. Faults: Conflict (there are keys
  /// already), Denied, Io.
  static Result<FileKeystore> create(const std::filesystem::path& dir, const crypto::Secret& passphrase,
                                     KdfCost cost = {});
  /// Faults: NotFound (no folder, or no sealed key in it), Denied (wrong passphrase), Io (a damaged file).
  static Result<FileKeystore> open(const std::filesystem::path& dir, const crypto::Secret& passphrase);

  /// Makes a key and its file (0600). Faults: those of `before`, Usage (check_names(); a scheme that we do
  /// not sign with), Conflict (the name is taken), NoSpace, Denied, Io.
  Result<KeyInfo> generate(std::string_view name, std::string_view role, UtcTime now,
                           crypto::Scheme scheme = crypto::Scheme::Ed25519, const BeforeRecord& before = {});
  /// The same for a key that was made elsewhere.
  Result<KeyInfo> add(std::string_view name, std::string_view role, UtcTime now, EVP_PKEY& key,
                      const BeforeRecord& before = {});
  /// Seals the sealed keys of this folder once more, under `other`'s passphrase. Faults: Denied (one was made
  /// under another passphrase), Conflict (a name is taken there), NoSpace, Io.
  Result<void> seal_all_in(const FileKeystore& other) const;
  /// Faults: NotFound, Denied (made under another passphrase), Io (damaged), Usage (its scheme is not in this
  /// OpenSSL).
  Result<std::unique_ptr<crypto::Signer>> signer(std::string_view name) const;

 private:
  FileKeystore(std::filesystem::path dir, Bytes salt, KdfCost cost, crypto::Secret key);
  Result<KeyInfo> seal(KeyInfo info, const crypto::Secret& secret, const BeforeRecord& before = {}) const;
  std::filesystem::path dir_;
  Bytes salt_;
  KdfCost cost_;
  crypto::Secret key_;  ///< encrypts the private halves
};

}  // namespace cotter::keystore
