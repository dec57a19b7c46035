// A key in a token of SoftHSM 2, behind PKCS #11, that is in memory too: what one of them signs, the other
// could have. While the one that was made lives, this process and its children see the tokens of its folder.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "common/crypto/signer.h"
#include "common/keystore/pkcs11_token.h"
#include "tests/world/soft_token.h"

namespace cotter::bench {

class TokenKey final : public crypto::Signer {
 public:
  /// A new token, and in it the ed25519 key of this seed, as softhsm2-util imports it. Faults: NotFound (is
  /// softhsm2 installed?), Io.
  static Result<std::shared_ptr<TokenKey>> make(const std::filesystem::path& dir, ByteView seed);
  /// The one at uri() of a process whose child this is. Logged in, as the one that was made. Faults: those of
  /// Pkcs11Token.
  static Result<std::shared_ptr<TokenKey>> open(const std::string& uri);

  [[nodiscard]] const std::string& uri() const noexcept { return key_->uri; }
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_->public_key; }
  Result<crypto::Signature> sign(ByteView message) override;

 private:
  TokenKey() = default;
  Result<void> find(const std::string& uri);
  std::optional<world::SoftTokens> tokens_;
  std::shared_ptr<keystore::Pkcs11Token> token_;
  std::optional<keystore::Pkcs11Token::Key> key_;
};

}  // namespace cotter::bench
