#include "common/keystore/key_folder.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/json/object_view.h"

namespace cotter::keystore {
namespace {

namespace fs = std::filesystem;

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

class TpmSigner final : public crypto::Signer {
 public:
  TpmSigner(KeyInfo info, Tpm::Wrapped key, std::shared_ptr<Tpm> tpm)
      : info_(std::move(info)), key_(std::move(key)), tpm_(std::move(tpm)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return info_.key; }
  Result<crypto::Signature> sign(ByteView message) override {
    Bytes signature = TRY(tpm_->sign(key_, info_.key, message));
    return crypto::Signature{info_.id, std::move(signature)};
  }

 private:
  KeyInfo info_;
  Tpm::Wrapped key_;
  std::shared_ptr<Tpm> tpm_;
};

Result<Tpm::Wrapped> wrapped_in(const json::Object& document) {
  const json::Value whole(document);
  const auto held = TRY(TRY(json::ObjectView::of(whole, "key file")).object("held"));
  Tpm::Wrapped key;
  key.public_part = TRY(held.hex("public"));
  key.private_part = TRY(held.hex("private"));
  return key;
}

/// Of keys in `dir`: where the last PIN was wrong, that stands beside them.
AskPin remembering(AskPin pin, const fs::path& dir, const std::string& store) {
  pin.mark = PinMark(dir, store);
  return pin;
}

Result<std::shared_ptr<Tpm>> tpm_behind(const std::string& store, AskPin pin, const fs::path& dir) {
  TpmName name = TRY(TpmName::parse(store));
  // Each of its keys may have a PIN of its own, told by the store's text.
  AskPin asked = remembering(std::move(pin), dir, store);
  return std::make_shared<Tpm>(std::move(name), std::move(asked));
}

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

/// `held` gets the store's name too.
Result<KeyInfo> record(const fs::path& file, const NewKey& key, const std::string& store,
                       const crypto::PublicKey& public_key, json::Object held) {
  KeyInfo info{key.name, key.role, public_key, public_key.computed_id(), key.created, file, store};
  held.set("store", store);
  json::Object document = describe(info);
  document.set("held", std::move(held));
  TRY(create_record(info, document, key.before));
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
  auto found = TRY(Pkcs11Token::find(uri, remembering(unlock_.pin, dir_, identity)));
  tokens_.emplace(identity, found);
  return found;
}

Result<std::shared_ptr<Tpm>> KeyFolder::tpm(const std::string& store) {
  const auto known = tpms_.find(store);
  if (known != tpms_.end()) return known->second;
  auto opened = TRY(tpm_behind(store, unlock_.pin, dir_));
  tpms_.emplace(store, opened);
  return opened;
}

bool is_token_store(std::string_view store) noexcept { return store.starts_with("pkcs11:"); }
bool is_tpm_store(std::string_view store) noexcept { return store == "tpm" || store.starts_with("tpm:"); }

std::optional<fs::path> pin_source_of(const std::string& store) {
  if (is_token_store(store)) {
    const auto source = Pkcs11Token::pin_source_of(store);
    return source ? *source : std::nullopt;
  }
  const auto name = TpmName::parse(store);
  return name ? name->pin_source : std::nullopt;
}

Result<std::unique_ptr<crypto::Signer>> KeyFolder::signer(std::string_view name) {
  const auto key =
      std::find_if(keys_.begin(), keys_.end(), [&](const KeyInfo& info) { return info.name == name; });
  if (key == keys_.end()) {
    return fault(Fault::Kind::NotFound, "no key " + std::string(name) + " in " + dir_.string());
  }
  if (key->store == kFileStore) {
    if (!sealed_ && !unlock_.passphrase) {
      return fault(Fault::Kind::Usage, "nobody can be asked for the passphrase of " + dir_.string());
    }
    if (!sealed_) sealed_ = TRY(FileKeystore::open(dir_, TRY(unlock_.passphrase())));
    return sealed_->signer(name);
  }
  if (is_token_store(key->store)) {
    return std::unique_ptr<crypto::Signer>(std::make_unique<TokenSigner>(*key, TRY(token(key->store))));
  }
  if (is_tpm_store(key->store)) {
    return TpmKeys(dir_, key->store, TRY(tpm(key->store))).signer(*key);
  }
  return damaged_record(key->file, "it names a store that this version does not know");
}

Result<TokenKeys> TokenKeys::open(const fs::path& dir, const std::string& uri, AskPin pin) {
  const std::string identity = TRY(Pkcs11Token::identity_of(uri));
  return TokenKeys(dir, TRY(Pkcs11Token::find(uri, remembering(std::move(pin), dir, identity))));
}

Result<KeyInfo> TokenKeys::generate(const NewKey& key) {
  const fs::path file = TRY(place_for(dir_, key));
  const Pkcs11Token::Key made = TRY(token_->generate(key.name, key.scheme));
  Result<KeyInfo> info = record(file, key, made.uri, made.public_key, {});
  if (!info) static_cast<void>(token_->destroy(made.uri));  // nobody would ever find it again
  return info;
}

Result<KeyInfo> TokenKeys::adopt(const std::string& uri, const NewKey& key) {
  const fs::path file = TRY(place_for(dir_, key));
  const Pkcs11Token::Key there = TRY(token_->key(uri));
  return record(file, key, there.uri, there.public_key, {});
}

std::unique_ptr<crypto::Signer> TokenKeys::signer(const KeyInfo& key) const {
  return std::make_unique<TokenSigner>(key, token_);
}

Result<void> TokenKeys::destroy(const KeyInfo& key) { return token_->destroy(key.store); }

Result<TpmKeys> TpmKeys::open(const fs::path& dir, const std::string& store, AskPin pin) {
  return TpmKeys(dir, store, TRY(tpm_behind(store, std::move(pin), dir)));
}

Result<KeyInfo> TpmKeys::generate(const NewKey& key) {
  if (key.scheme && *key.scheme != crypto::Scheme::EcdsaP256) {
    return fault(Fault::Kind::Usage, "a TPM makes no key for " + std::string(crypto::name_of(*key.scheme)),
                 "leave --scheme out: it makes ecdsa-sha2-nistp256");
  }
  const fs::path file = TRY(place_for(dir_, key));
  const Tpm::Key made = TRY(tpm_->generate());
  return record(
      file, key, store_, made.public_key,
      {{"public", to_hex(made.wrapped.public_part)}, {"private", to_hex(made.wrapped.private_part)}});
}

Result<std::unique_ptr<crypto::Signer>> TpmKeys::signer(const KeyInfo& key) const {
  auto wrapped = wrapped_in(TRY(read_record(key.file)).document);
  if (!wrapped) return damaged_record(key.file, summary(wrapped.error()));
  return std::unique_ptr<crypto::Signer>(std::make_unique<TpmSigner>(key, *std::move(wrapped), tpm_));
}

}  // namespace cotter::keystore
