#include "tests/bench/token_key.h"

namespace cotter::bench {

Result<std::shared_ptr<TokenKey>> TokenKey::make(const std::filesystem::path& dir) {
  auto self = std::shared_ptr<TokenKey>(new TokenKey(dir));
  TRY(self->tokens_.add("release"));
  keystore::AskPin pin;
  pin.ask = [](const std::string&) -> Result<crypto::Secret> {
    Bytes bytes = to_bytes(world::SoftTokens::kPin);
    return crypto::Secret::taking(bytes);
  };
  self->token_ = TRY(keystore::Pkcs11Token::find(self->tokens_.uri("release"), std::move(pin)));
  self->key_ = TRY(self->token_->generate("release", crypto::Scheme::Ed25519));
  return self;
}

Result<crypto::Signature> TokenKey::sign(ByteView message) {
  Bytes bytes = TRY(token_->sign(key_->uri, key_->public_key, message));
  return crypto::Signature{key_->public_key.computed_id(), std::move(bytes)};
}

}  // namespace cotter::bench
