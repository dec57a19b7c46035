// A folder of keys: the record of each, and a signer for it, wherever its private half is: in the file
// itself, on a PKCS #11 token, in a TPM. Never asks for a passphrase or a PIN before a key needs it, and for
// each at most once. One thread at a time; the signers it hands out stand alone.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/secret.h"
#include "common/crypto/signer.h"
#include "common/keystore/file_keystore.h"
#include "common/keystore/key_record.h"
#include "common/keystore/pkcs11_token.h"
#include "common/keystore/tpm_key.h"

namespace cotter::keystore {

/// How to come at private halves. What is left empty is Usage where it is needed.
struct Unlock {
  std::function<Result<crypto::Secret>()> passphrase;  ///< of the sealed files
  AskPin pin;                                          ///< of a token, or of a TPM's key
};

/// For a passphrase that is known already, and lives longer than what comes of this.
Unlock unlock_by(const crypto::Secret& passphrase);

class KeyFolder {
 public:
  /// Reads the records. Faults: NotFound (no folder), Denied, Io (a damaged file, named).
  static Result<KeyFolder> open(const std::filesystem::path& dir, Unlock unlock);

  [[nodiscard]] const std::vector<KeyInfo>& keys() const noexcept { return keys_; }
  /// Faults: NotFound (no such key; its token is not plugged in), Denied (wrong passphrase or PIN), Busy, Io.
  Result<std::unique_ptr<crypto::Signer>> signer(std::string_view name);

 private:
  KeyFolder(std::filesystem::path dir, Unlock unlock, std::vector<KeyInfo> keys)
      : dir_(std::move(dir)), unlock_(std::move(unlock)), keys_(std::move(keys)) {}
  Result<std::shared_ptr<Pkcs11Token>> token(const std::string& uri);
  Result<std::shared_ptr<Tpm>> tpm(const std::string& store);

  std::filesystem::path dir_;
  Unlock unlock_;
  std::vector<KeyInfo> keys_;
  std::optional<FileKeystore> sealed_;
  std::map<std::string, std::shared_ptr<Pkcs11Token>> tokens_;
  std::map<std::string, std::shared_ptr<Tpm>> tpms_;
};

/// "pkcs11:…", and "tpm" or "tpm:…".
bool is_token_store(std::string_view store) noexcept;
bool is_tpm_store(std::string_view store) noexcept;
/// Where a store's PIN lies, as a path; nothing: a person is asked, or none is needed.
std::optional<std::filesystem::path> pin_source_of(const std::string& store);

/// What is to be made, or taken in.
struct NewKey {
  std::string name;
  std::string role;
  std::optional<crypto::Scheme> scheme;  ///< nothing: ed25519 where the store can
  UtcTime created;
  BeforeRecord before{};
};

/// Keys on one token, their records in one folder: for making them. The token's PIN is asked for once.
class TokenKeys {
 public:
  /// `dir` is made (0700) with its first record. Faults: those of Pkcs11Token::find().
  static Result<TokenKeys> open(const std::filesystem::path& dir, const std::string& uri, AskPin pin);

  /// Makes a key and its record. When the record cannot be written, the key is taken off the token again.
  /// Faults: Usage (check_names(); the token cannot make such a key), Conflict (the name is taken, here or
  /// there), and those of Pkcs11Token::sign().
  Result<KeyInfo> generate(const NewKey& key);
  /// A record for the key that `uri` names by `object` or `id`, which is on its token already. Likewise.
  Result<KeyInfo> adopt(const std::string& uri, const NewKey& key);
  [[nodiscard]] std::unique_ptr<crypto::Signer> signer(const KeyInfo& key) const;
  /// Takes a key that was just made off the token again; its record stays.
  Result<void> destroy(const KeyInfo& key);

 private:
  TokenKeys(std::filesystem::path dir, std::shared_ptr<Pkcs11Token> token)
      : dir_(std::move(dir)), token_(std::move(token)) {}
  std::filesystem::path dir_;
  std::shared_ptr<Pkcs11Token> token_;
};

/// The same for keys in one TPM, wrapped in their records. The PIN is asked for once.
class TpmKeys {
 public:
  TpmKeys(std::filesystem::path dir, std::string store, std::shared_ptr<Tpm> tpm)
      : dir_(std::move(dir)), store_(std::move(store)), tpm_(std::move(tpm)) {}
  /// Fault: Usage (`store` is no TpmName).
  static Result<TpmKeys> open(const std::filesystem::path& dir, const std::string& store, AskPin pin);
  /// P-256, and Usage for a wish for another. Faults besides: Usage (check_names()), Conflict (the name is
  /// taken), NoSpace, those of Tpm::generate().
  Result<KeyInfo> generate(const NewKey& key);
  Result<std::unique_ptr<crypto::Signer>> signer(const KeyInfo& key) const;

 private:
  std::filesystem::path dir_;
  std::string store_;
  std::shared_ptr<Tpm> tpm_;
};

}  // namespace cotter::keystore
