#include "common/keystore/file_keystore.h"

#include <sodium.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"

namespace cotter::keystore {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kKdf = "argon2id";
constexpr std::string_view kAead = "xchacha20-poly1305";
constexpr std::size_t kNonceSize = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kKeySize = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kTagSize = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t kMaxPrivate = 8 * 1024;  // PKCS #8 of RSA with 8192 bits has 4.7 kB

// A file from elsewhere must not make us run for hours or out of memory.
constexpr std::uint64_t kMaxPasses = 64;
constexpr std::uint64_t kMaxMemoryKib = 2 * 1024 * 1024;

/// One file, whole.
struct KeyFile {
  KeyInfo info;
  KdfCost cost;
  Bytes salt;
  Bytes nonce;
  Bytes sealed;      ///< the private half, encrypted
  Bytes associated;  ///< canonical JSON of all but `sealed`: nothing in the file can be changed unnoticed
};

json::Object header_of(const KeyFile& file) {
  const json::Object encryption{{"aead", kAead},
                                {"kdf", kKdf},
                                {"memory_kib", file.cost.memory_kib},
                                {"nonce", to_hex(file.nonce)},
                                {"passes", file.cost.passes},
                                {"salt", to_hex(file.salt)}};
  json::Object header = describe(file.info);
  header.set("encryption", encryption);
  return header;
}

/// Rejections where the content is not what we write; the caller names the file.
Result<KeyFile> decode(const KeyRecord& record) {
  const json::Value document(record.document);
  const json::ObjectView view = TRY(json::ObjectView::of(document, "key file"));
  const json::ObjectView encryption = TRY(view.object("encryption"));
  KeyFile file{record.info, {}, {}, {}, {}, {}};
  file.cost.passes = TRY(encryption.integer("passes"));
  file.cost.memory_kib = TRY(encryption.integer("memory_kib"));
  file.salt = TRY(encryption.hex("salt"));
  file.nonce = TRY(encryption.hex("nonce"));
  file.sealed = TRY(view.hex("secret"));
  json::Object header = record.document;
  header.erase("secret");
  file.associated = json::canonical(header);
  return file;
}

std::optional<std::string> defect_in(const KeyFile& file) {
  // Equal to what we would write: type, format and algorithms are the ones we know, and nothing was added.
  if (file.associated != json::canonical(header_of(file))) return "not in the form that this version writes";
  const bool size_fits = file.info.key.scheme() == crypto::Scheme::Ed25519
                             ? file.sealed.size() == crypto_sign_SEEDBYTES + kTagSize
                             : file.sealed.size() > kTagSize && file.sealed.size() <= kMaxPrivate + kTagSize;
  if (file.salt.size() != crypto_pwhash_SALTBYTES || file.nonce.size() != kNonceSize || !size_fits) {
    return "a part has the wrong length";
  }
  const bool cost_in_bounds =
      file.cost.passes >= crypto_pwhash_OPSLIMIT_MIN && file.cost.passes <= kMaxPasses &&
      file.cost.memory_kib * 1024 >= crypto_pwhash_MEMLIMIT_MIN && file.cost.memory_kib <= kMaxMemoryKib;
  if (!cost_in_bounds) return "its derivation cost is out of bounds";
  return std::nullopt;
}

Result<KeyFile> key_file_of(const KeyRecord& record) {
  Result<KeyFile> file = decode(record);
  if (!file) return damaged_record(record.info.file, summary(file.error()));
  if (const auto defect = defect_in(*file)) return damaged_record(record.info.file, *defect);
  return file;
}

Result<std::vector<KeyFile>> read_all(const fs::path& dir) {
  std::vector<KeyFile> files;
  for (const KeyRecord& record : TRY(read_records(dir))) {
    if (record.info.store == kFileStore) files.push_back(TRY(key_file_of(record)));
  }
  return files;
}

Result<crypto::Secret> derive(const crypto::Secret& passphrase, ByteView salt, KdfCost cost) {
  crypto::Secret key(kKeySize);
  const ByteView text = passphrase.view();
  const int status =
      crypto_pwhash(key.bytes().data(), key.bytes().size(), as_text(text).data(), text.size(), salt.data(),
                    cost.passes, cost.memory_kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
  if (status != 0) {
    return fault(Fault::Kind::Io,
                 "cannot derive a key from the passphrase: " + std::to_string(cost.memory_kib / 1024) +
                     " MiB of memory are needed for a moment");
  }
  return key;
}

/// The private half, or nothing when `key` or any byte of the file is not the one it was sealed with.
std::optional<crypto::Secret> unseal(const KeyFile& file, const crypto::Secret& key) {
  crypto::Secret opened(file.sealed.size() - kTagSize);
  const int status = crypto_aead_xchacha20poly1305_ietf_decrypt(
      opened.bytes().data(), nullptr, nullptr, file.sealed.data(), file.sealed.size(), file.associated.data(),
      file.associated.size(), file.nonce.data(), key.view().data());
  if (status != 0) return std::nullopt;
  return opened;
}

Error cannot_unlock(const KeyFile& file) {
  return Fault{Fault::Kind::Denied,
               "cannot unlock " + file.info.file.string() + ": it was made in another folder",
               "move it to a folder of its own and open that"};
}

class Ed25519Signer final : public crypto::Signer {
 public:
  Ed25519Signer(KeyInfo info, crypto::Ed25519Pair pair) : info_(std::move(info)), pair_(std::move(pair)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return info_.key; }
  Result<crypto::Signature> sign(ByteView message) override {
    return crypto::Signature{info_.id, pair_.sign(message)};
  }

 private:
  KeyInfo info_;
  crypto::Ed25519Pair pair_;
};

class OpensslSigner final : public crypto::Signer {
 public:
  OpensslSigner(KeyInfo info, OpensslKey key) : info_(std::move(info)), key_(std::move(key)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return info_.key; }
  Result<crypto::Signature> sign(ByteView message) override {
    Bytes signature = TRY(sign_by_openssl(*key_, message));
    return crypto::Signature{info_.id, std::move(signature)};
  }

 private:
  KeyInfo info_;
  OpensslKey key_;
};

Result<std::unique_ptr<crypto::Signer>> signer_of(const KeyInfo& info, const crypto::Secret& secret) {
  if (info.key.scheme() == crypto::Scheme::Ed25519) {  // by libsodium, which is twice as fast
    return std::unique_ptr<crypto::Signer>(
        std::make_unique<Ed25519Signer>(info, crypto::Ed25519Pair::from_seed(secret)));
  }
  auto key = private_from(info.key.scheme(), secret.view());
  if (!key) return damaged_record(info.file, summary(key.error()));
  return std::unique_ptr<crypto::Signer>(std::make_unique<OpensslSigner>(info, *std::move(key)));
}

}  // namespace

Result<bool> has_sealed_keys(const fs::path& dir) {
  std::error_code ignored;
  if (!fs::is_directory(dir, ignored)) return false;
  const auto keys = TRY(list_keys(dir));
  return std::any_of(keys.begin(), keys.end(), [](const KeyInfo& key) { return key.store == kFileStore; });
}

FileKeystore::FileKeystore(fs::path dir, Bytes salt, KdfCost cost, crypto::Secret key)
    : dir_(std::move(dir)), salt_(std::move(salt)), cost_(cost), key_(std::move(key)) {}

Result<FileKeystore> FileKeystore::create(const fs::path& dir, const crypto::Secret& passphrase,
                                          KdfCost cost) {
  std::error_code ignored;
  if (!fs::is_directory(dir, ignored)) {
    TRY(host::make_dir(dir, host::kSecretDir));
  } else if (!TRY(read_all(dir)).empty()) {
    return fault(Fault::Kind::Conflict,
                 "cannot start a key folder in " + dir.string() + ": it holds keys already");
  }
  Bytes salt(crypto_pwhash_SALTBYTES);
  randombytes_buf(salt.data(), salt.size());
  crypto::Secret key = TRY(derive(passphrase, salt, cost));
  return FileKeystore(dir, std::move(salt), cost, std::move(key));
}

Result<FileKeystore> FileKeystore::open(const fs::path& dir, const crypto::Secret& passphrase) {
  const std::vector<KeyFile> files = TRY(read_all(dir));
  if (files.empty()) return fault(Fault::Kind::NotFound, "no sealed key in " + dir.string());
  const KeyFile& first = files.front();
  crypto::Secret key = TRY(derive(passphrase, first.salt, first.cost));
  const bool opens_one = std::any_of(files.begin(), files.end(),
                                     [&](const KeyFile& file) { return unseal(file, key).has_value(); });
  if (!opens_one) {
    return fault(Fault::Kind::Denied, "cannot unlock the keys in " + dir.string() + ": wrong passphrase",
                 "give the passphrase that this folder was made with; each holder's folder has its own");
  }
  return FileKeystore(dir, first.salt, first.cost, std::move(key));
}

Result<KeyInfo> FileKeystore::generate(std::string_view name, std::string_view role, UtcTime now,
                                       crypto::Scheme scheme, const BeforeRecord& before) {
  const OpensslKey key = TRY(make_private(scheme));
  return add(name, role, now, *key, before);
}

Result<KeyInfo> FileKeystore::add(std::string_view name, std::string_view role, UtcTime now, EVP_PKEY& key,
                                  const BeforeRecord& before) {
  TRY(check_names(name, role));
  const crypto::PublicKey public_key = TRY(public_key_of(key));
  const crypto::Secret secret = TRY(private_bytes(key));
  return seal({std::string(name), std::string(role), public_key, public_key.computed_id(), now,
               record_path(dir_, name)},
              secret, before);
}

Result<KeyInfo> FileKeystore::seal(KeyInfo info, const crypto::Secret& secret,
                                   const BeforeRecord& before) const {
  KeyFile file{std::move(info), cost_, salt_, Bytes(kNonceSize), Bytes(secret.view().size() + kTagSize), {}};
  randombytes_buf(file.nonce.data(), file.nonce.size());
  json::Object document = header_of(file);
  file.associated = json::canonical(document);
  crypto_aead_xchacha20poly1305_ietf_encrypt(
      file.sealed.data(), nullptr, secret.view().data(), secret.view().size(), file.associated.data(),
      file.associated.size(), nullptr, file.nonce.data(), key_.view().data());
  document.set("secret", to_hex(file.sealed));
  TRY(create_record(file.info, document, before));
  return file.info;
}

Result<void> FileKeystore::seal_all_in(const FileKeystore& other) const {
  for (const KeyFile& file : TRY(read_all(dir_))) {
    const std::optional<crypto::Secret> secret = unseal(file, key_);
    if (!secret) return fail(cannot_unlock(file));
    KeyInfo info = file.info;
    info.file = record_path(other.dir_, info.name);
    TRY(other.seal(std::move(info), *secret));
  }
  return {};
}

Result<std::unique_ptr<crypto::Signer>> FileKeystore::signer(std::string_view name) const {
  if (!check_names(name, "")) return fault(Fault::Kind::NotFound, "no key of that name in " + dir_.string());
  const KeyFile file = TRY(key_file_of(TRY(read_record(record_path(dir_, name)))));
  TRY(can_sign(file.info));
  const std::optional<crypto::Secret> secret = unseal(file, key_);
  if (!secret) {
    if (file.salt == salt_) return damaged_record(file.info.file, "its encrypted part was changed");
    return fail(cannot_unlock(file));
  }
  return signer_of(file.info, *secret);
}

}  // namespace cotter::keystore
