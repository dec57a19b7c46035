#include "tests/bench/token_key.h"

#include "common/host/atomic_file.h"
#include "tests/world/process.h"

namespace cotter::bench {
namespace {

constexpr const char* kLabel = "release";

/// PKCS #8 (RFC 8410) without a passphrase, for it is a key that anybody can make.
std::string pem_of(ByteView seed) {
  Bytes der = *from_hex("302e020100300506032b657004220420");
  der.insert(der.end(), seed.begin(), seed.end());
  return "-----BEGIN PRIVATE KEY-----\n" + to_base64(der) + "\n-----END PRIVATE KEY-----\n";
}

}  // namespace

Result<std::shared_ptr<TokenKey>> TokenKey::make(const std::filesystem::path& dir, ByteView seed) {
  auto self = std::shared_ptr<TokenKey>(new TokenKey());
  world::SoftTokens& tokens = self->tokens_.emplace(dir);
  TRY(tokens.add(kLabel));
  const std::filesystem::path pem = dir / "key.pem";
  TRY(host::write_atomically(pem, as_bytes(pem_of(seed)), host::kSecretFile));
  TRY(world::run_well({"/usr/bin/softhsm2-util",
                       {"--import", pem.string(), "--token", kLabel, "--label", kLabel, "--id", "01", "--pin",
                        world::SoftTokens::kPin},
                       {},
                       dir / "log"}));
  std::string uri = tokens.uri(kLabel);
  uri.insert(uri.find('?'), std::string(";object=") + kLabel);
  TRY(self->find(uri));
  return self;
}

Result<std::shared_ptr<TokenKey>> TokenKey::open(const std::string& uri) {
  auto self = std::shared_ptr<TokenKey>(new TokenKey());
  TRY(self->find(uri));
  return self;
}

Result<void> TokenKey::find(const std::string& uri) {
  keystore::AskPin pin;
  pin.ask = [](const std::string&) -> Result<crypto::Secret> {
    Bytes bytes = to_bytes(world::SoftTokens::kPin);
    return crypto::Secret::taking(bytes);
  };
  token_ = TRY(keystore::Pkcs11Token::find(uri, std::move(pin)));
  key_ = TRY(token_->key(uri));
  return {};
}

Result<crypto::Signature> TokenKey::sign(ByteView message) {
  Bytes bytes = TRY(token_->sign(key_->uri, key_->public_key, message));
  return crypto::Signature{key_->public_key.computed_id(), std::move(bytes)};
}

}  // namespace cotter::bench
