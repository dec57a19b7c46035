// Signing keys for tests: ed25519 made from a label, so that a test is the same at every run.
// Never for use outside tests. One thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "common/crypto/secret.h"
#include "common/crypto/signer.h"
#include "common/json/value.h"

namespace cotter::sim {

class SimKey final : public crypto::Signer {
 public:
  explicit SimKey(std::string_view label);
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return public_key_; }
  Result<crypto::Signature> sign(ByteView message) override;

 private:
  crypto::Ed25519Pair pair_;
  crypto::PublicKey public_key_;
};

using Keys = std::vector<std::shared_ptr<crypto::Signer>>;

std::shared_ptr<crypto::Signer> key(std::string_view label);
inline crypto::PublicKey public_key(std::string_view label) { return key(label)->public_key(); }
/// "LABEL-1" to "LABEL-N".
Keys keys(std::string_view label, int count);
/// Of `all`, those at these places.
Keys pick(const Keys& all, std::initializer_list<std::size_t> places);

/// Any JSON, signed by anybody: files that no publisher would make.
Bytes signed_file(const json::Value& signed_part, const Keys& keys);

}  // namespace cotter::sim
