#include "common/host/keystore_file.h"

#include <sodium.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::host {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kType = "cotter-key";
constexpr std::string_view kFormat = "1";
constexpr std::string_view kKdf = "argon2id";
constexpr std::string_view kAead = "xchacha20-poly1305";
constexpr std::string_view kExtension = ".key";
constexpr std::uint64_t kMaxKeyFile = 64 * 1024;
constexpr std::size_t kMaxName = 64;
constexpr std::size_t kMaxRole = 128;
constexpr std::size_t kNonceSize = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kKeySize = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t kSeedSize = crypto_sign_SEEDBYTES;
constexpr std::size_t kSealedSize = kSeedSize + crypto_aead_xchacha20poly1305_ietf_ABYTES;

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

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
                  c == '_' || c == '-';
         });
}

bool is_role_note(std::string_view role) {
  return role.size() <= kMaxRole && std::all_of(role.begin(), role.end(), [](char c) {
           return c > ' ' && c < 0x7F && c != '"' && c != '\\';
         });
}

json::Object header_of(const KeyFile& file) {
  const json::Object encryption{{"aead", kAead},
                                {"kdf", kKdf},
                                {"memory_kib", file.cost.memory_kib},
                                {"nonce", to_hex(file.nonce)},
                                {"passes", file.cost.passes},
                                {"salt", to_hex(file.salt)}};
  return json::Object{{"_type", kType},
                      {"created", format_utc(file.info.created)},
                      {"encryption", encryption},
                      {"format", kFormat},
                      {"key", file.info.key.encode()},
                      {"keyid", file.info.id.value()},
                      {"name", file.info.name},
                      {"role", file.info.role}};
}

tl::unexpected<Error> damaged(const fs::path& file, const std::string& why) {
  return fault(Fault::Kind::Io, "cannot read key file " + file.string() + ": it is damaged (" + why + ")",
               "restore it from a backup; if there is none, replace the key by a new one");
}

/// Rejections where the content is not what we write; the caller names the file.
Result<KeyFile> decode(const fs::path& path, ByteView bytes) {
  const json::Value document = TRY(json::read(bytes));
  const json::ObjectView view = TRY(json::ObjectView::of(document, "key file"));
  const json::ObjectView encryption = TRY(view.object("encryption"));
  const json::Value* key = TRY(view.value("key"));
  crypto::PublicKey public_key = TRY(crypto::PublicKey::decode(*key, crypto::Profile::Vehicle));
  KeyInfo info{{}, {}, std::move(public_key), {}, {}, path};
  info.name = TRY(view.string("name"));
  info.role = TRY(view.string("role"));
  info.id = KeyId(TRY(view.string("keyid")));
  info.created = TRY(view.time("created"));
  KeyFile file{std::move(info), {}, {}, {}, {}, {}};
  file.cost.passes = TRY(encryption.integer("passes"));
  file.cost.memory_kib = TRY(encryption.integer("memory_kib"));
  file.salt = TRY(encryption.hex("salt"));
  file.nonce = TRY(encryption.hex("nonce"));
  file.sealed = TRY(view.hex("secret"));
  json::Object header = view.members();
  header.erase("secret");
  file.associated = json::canonical(header);
  return file;
}

std::optional<std::string> defect_in(const KeyFile& file, const fs::path& path) {
  // Equal to what we would write: type, format and algorithms are the ones we know, and nothing was added.
  if (file.associated != json::canonical(header_of(file))) return "not in the form that this version writes";
  if (file.info.name != path.stem().string()) return "it was made under the name " + file.info.name;
  if (file.info.id != file.info.key.computed_id()) return "its key id is not its key's";
  if (file.info.key.scheme() != crypto::Scheme::Ed25519) return "not an ed25519 key";
  if (file.salt.size() != crypto_pwhash_SALTBYTES || file.nonce.size() != kNonceSize ||
      file.sealed.size() != kSealedSize) {
    return "a part has the wrong length";
  }
  const bool cost_in_bounds =
      file.cost.passes >= crypto_pwhash_OPSLIMIT_MIN && file.cost.passes <= kMaxPasses &&
      file.cost.memory_kib * 1024 >= crypto_pwhash_MEMLIMIT_MIN && file.cost.memory_kib <= kMaxMemoryKib;
  if (!cost_in_bounds) return "its derivation cost is out of bounds";
  return std::nullopt;
}

Result<KeyFile> read_key_file(const fs::path& path) {
  const Bytes bytes = TRY(read_file(path, kMaxKeyFile));
  Result<KeyFile> file = decode(path, bytes);
  if (!file) return damaged(path, summary(file.error()));
  if (const auto defect = defect_in(*file, path)) return damaged(path, *defect);
  return file;
}

Result<std::vector<KeyFile>> read_all(const fs::path& dir) {
  std::error_code error;
  std::vector<fs::path> paths;
  for (fs::directory_iterator entry(dir, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == kExtension) paths.push_back(entry->path());
  }
  if (error) return fail(errno_fault("cannot read the key folder " + dir.string(), error.value()));
  std::sort(paths.begin(), paths.end());
  std::vector<KeyFile> files;
  files.reserve(paths.size());
  for (const fs::path& path : paths) files.push_back(TRY(read_key_file(path)));
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

/// The seed, or nothing when `key` or any byte of the file is not the one it was sealed with.
std::optional<crypto::Secret> unseal(const KeyFile& file, const crypto::Secret& key) {
  crypto::Secret seed(kSeedSize);
  const int status = crypto_aead_xchacha20poly1305_ietf_decrypt(
      seed.bytes().data(), nullptr, nullptr, file.sealed.data(), file.sealed.size(), file.associated.data(),
      file.associated.size(), file.nonce.data(), key.view().data());
  if (status != 0) return std::nullopt;
  return seed;
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

}  // namespace

FileKeystore::FileKeystore(fs::path dir, Bytes salt, KdfCost cost, crypto::Secret key)
    : dir_(std::move(dir)), salt_(std::move(salt)), cost_(cost), key_(std::move(key)) {}

Result<FileKeystore> FileKeystore::create(const fs::path& dir, const crypto::Secret& passphrase,
                                          KdfCost cost) {
  std::error_code ignored;
  if (!fs::is_directory(dir, ignored)) {
    TRY(make_dir(dir, kSecretDir));
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
  if (files.empty()) return fault(Fault::Kind::NotFound, "no key in " + dir.string());
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

Result<std::vector<KeyInfo>> FileKeystore::list(const fs::path& dir) {
  std::vector<KeyFile> files = TRY(read_all(dir));
  std::vector<KeyInfo> infos;
  infos.reserve(files.size());
  for (KeyFile& file : files) infos.push_back(std::move(file.info));
  return infos;
}

Result<KeyInfo> FileKeystore::generate(std::string_view name, std::string_view role, UtcTime now) {
  if (!is_name(name)) {
    return fault(Fault::Kind::Usage, "bad key name \"" + std::string(name.substr(0, kMaxName)) + "\"",
                 "use 1 to 64 letters, digits, '.', '_' and '-', not beginning with '.'");
  }
  if (!is_role_note(role)) {
    return fault(Fault::Kind::Usage, "bad role: more than 128 bytes, or not plain ASCII without blanks");
  }
  const crypto::Ed25519Pair pair = crypto::Ed25519Pair::generate();
  const crypto::PublicKey key = crypto::PublicKey::ed25519(pair.public_key);
  const fs::path path = dir_ / (std::string(name) + std::string(kExtension));
  KeyFile file{{std::string(name), std::string(role), key, key.computed_id(), now, path},
               cost_,
               salt_,
               Bytes(kNonceSize),
               Bytes(kSealedSize),
               {}};
  randombytes_buf(file.nonce.data(), file.nonce.size());
  json::Object document = header_of(file);
  file.associated = json::canonical(document);
  crypto_aead_xchacha20poly1305_ietf_encrypt(file.sealed.data(), nullptr, pair.seed.view().data(), kSeedSize,
                                             file.associated.data(), file.associated.size(), nullptr,
                                             file.nonce.data(), key_.view().data());
  document.set("secret", to_hex(file.sealed));
  TRY(create_atomically(path, as_bytes(json::to_pretty_text(document) + "\n"), kSecretFile));
  return file.info;
}

Result<std::unique_ptr<crypto::Signer>> FileKeystore::signer(std::string_view name) const {
  if (!is_name(name)) return fault(Fault::Kind::NotFound, "no key of that name in " + dir_.string());
  const KeyFile file = TRY(read_key_file(dir_ / (std::string(name) + std::string(kExtension))));
  const std::optional<crypto::Secret> seed = unseal(file, key_);
  if (!seed) {
    if (file.salt == salt_) return damaged(file.info.file, "its encrypted part was changed");
    return fault(Fault::Kind::Denied,
                 "cannot unlock " + file.info.file.string() + ": it was made in another folder",
                 "move it to a folder of its own and open that");
  }
  return std::unique_ptr<crypto::Signer>(
      std::make_unique<Ed25519Signer>(file.info, crypto::Ed25519Pair::from_seed(*seed)));
}

}  // namespace cotter::host
