#include "common/keystore/key_folder.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "common/host/atomic_file.h"

namespace cotter::keystore {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTokenStore = "pkcs11:";

class TokenSigner final : public crypto::Signer {
 public:
  TokenSigner(KeyInfo info, std::shared_ptr<Pkcs11Token> token)
      : info_(std::move(info)), token_(std::move(token)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return info_.key; }
  Result<crypto::Signature> sign(ByteView message) override {
    Bytes signature = TRY(token_->sign(info_.store, info_.key, message));
    return crypto::Signature{info_.id, std::move(signature)};
  }

 private:
  KeyInfo info_;
  std::shared_ptr<Pkcs11Token> token_;
};

/// Before a key is made anywhere: its record must have a place.
Result<fs::path> place_for(const fs::path& dir, const NewKey& key) {
  TRY(check_names(key.name, key.role));
  std::error_code ignored;
  if (!fs::is_directory(dir, ignored)) TRY(host::make_dir(dir, host::kSecretDir));
  const fs::path file = record_path(dir, key.name);
  if (fs::exists(fs::symlink_status(file, ignored))) {
    return fault(Fault::Kind::Conflict, file.string() + " is there already",
                 "choose another name for the key");
  }
  return file;
}

Result<KeyInfo> record(const fs::path& file, const NewKey& key, const Pkcs11Token::Key& made) {
  KeyInfo info{key.name,    key.role, made.public_key, made.public_key.computed_id(),
               key.created, file,     made.uri};
  json::Object document = describe(info);
  document.set("held", json::Object{{"store", info.store}});
  TRY(create_record(file, document));
  return info;
}

}  // namespace

Unlock unlock_by(const crypto::Secret& passphrase) {
  return {[&passphrase] {
            crypto::Secret copy(passphrase.view().size());
            std::copy(passphrase.view().begin(), passphrase.view().end(), copy.bytes().begin());
            return Result<crypto::Secret>(std::move(copy));
          },
          {}};
}

Result<KeyFolder> KeyFolder::open(const fs::path& dir, Unlock unlock) {
  std::vector<KeyInfo> keys = TRY(list_keys(dir));
  return KeyFolder(dir, std::move(unlock), std::move(keys));
}

Result<std::shared_ptr<Pkcs11Token>> KeyFolder::token(const std::string& uri) {
  const std::string identity = TRY(Pkcs11Token::identity_of(uri));
  const auto known = tokens_.find(identity);
  if (known != tokens_.end()) return known->second;
  auto found = TRY(Pkcs11Token::find(uri, unlock_.pin));
  tokens_.emplace(identity, found);
  return found;
}

Result<std::unique_ptr<crypto::Signer>> KeyFolder::signer(std::string_view name) {
  const auto key =
      std::find_if(keys_.begin(), keys_.end(), [&](const KeyInfo& info) { return info.name == name; });
  if (key == keys_.end()) {
    return fault(Fault::Kind::NotFound, "no key " + std::string(name) + " in " + dir_.string());
  }
  if (key->store == kFileStore) {
    if (!sealed_) sealed_ = TRY(FileKeystore::open(dir_, TRY(unlock_.passphrase())));
    return sealed_->signer(name);
  }
  if (key->store.starts_with(kTokenStore)) {
    return std::unique_ptr<crypto::Signer>(std::make_unique<TokenSigner>(*key, TRY(token(key->store))));
  }
  return damaged_record(key->file, "it names a store that this version does not know");
}

Result<TokenKeys> TokenKeys::open(const fs::path& dir, const std::string& uri, AskPin pin) {
  return TokenKeys(dir, TRY(Pkcs11Token::find(uri, std::move(pin))));
}

Result<KeyInfo> TokenKeys::generate(const NewKey& key) {
  const fs::path file = TRY(place_for(dir_, key));
  const Pkcs11Token::Key made = TRY(token_->generate(key.name, key.scheme));
  Result<KeyInfo> info = record(file, key, made);
  if (!info) static_cast<void>(token_->destroy(made.uri));  // nobody would ever find it again
  return info;
}

Result<KeyInfo> TokenKeys::adopt(const std::string& uri, const NewKey& key) {
  const fs::path file = TRY(place_for(dir_, key));
  return record(file, key, TRY(token_->key(uri)));
}

std::unique_ptr<crypto::Signer> TokenKeys::signer(const KeyInfo& key) const {
  return std::make_unique<TokenSigner>(key, token_);
}

Result<void> TokenKeys::destroy(const KeyInfo& key) { return token_->destroy(key.store); }

}  // namespace cotter::keystore
