// A key in a token of SoftHSM 2, behind PKCS #11. While it lives, this process sees the tokens of its folder.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "common/crypto/signer.h"
#include "common/keystore/pkcs11_token.h"
#include "tests/world/soft_token.h"

namespace cotter::bench {

class TokenKey final : public crypto::Signer {
 public:
  /// A new token, and in it a new ed25519 key. Faults: NotFound (is softhsm2 installed?), Io.
  static Result<std::shared_ptr<TokenKey>> make(const std::filesystem::path& dir);
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_->public_key; }
  Result<crypto::Signature> sign(ByteView message) override;

 private:
  explicit TokenKey(const std::filesystem::path& dir) : tokens_(dir) {}
  world::SoftTokens tokens_;
  std::shared_ptr<keystore::Pkcs11Token> token_;
  std::optional<keystore::Pkcs11Token::Key> key_;
};

}  // namespace cotter::bench
