// A holder of some of the tests' keys.
#pragma once

#include <memory>
#include <utility>

#include "server/ceremony/holder.h"
#include "tests/sim/sim_key.h"

namespace cotter::test {

class HeldKey final : public crypto::Signer {
 public:
  explicit HeldKey(std::shared_ptr<crypto::Signer> key) : key_(std::move(key)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_->public_key(); }
  Result<crypto::Signature> sign(ByteView message) override { return key_->sign(message); }

 private:
  std::shared_ptr<crypto::Signer> key_;
};

inline ceremony::Signers holding(const sim::Keys& keys) {
  ceremony::Signers signers;
  for (const auto& key : keys) signers.push_back(std::make_unique<HeldKey>(key));
  return signers;
}

}  // namespace cotter::test
