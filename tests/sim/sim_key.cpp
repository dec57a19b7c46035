#include "tests/sim/sim_key.h"

#include <string>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"

namespace cotter::sim {
namespace {

crypto::Ed25519Pair pair_of(std::string_view label) {
  Bytes seed = crypto::sha256(as_bytes(label));
  return crypto::Ed25519Pair::from_seed(crypto::Secret::taking(seed));
}

}  // namespace

SimKey::SimKey(std::string_view label)
    : pair_(pair_of(label)), public_key_(crypto::PublicKey::ed25519(pair_.public_key)) {}

Result<crypto::Signature> SimKey::sign(ByteView message) {
  return crypto::Signature{public_key_.computed_id(), pair_.sign(message)};
}

std::shared_ptr<crypto::Signer> key(std::string_view label) { return std::make_shared<SimKey>(label); }

Keys keys(std::string_view label, int count) {
  Keys result;
  for (int i = 1; i <= count; ++i) result.push_back(key(std::string(label) + "-" + std::to_string(i)));
  return result;
}

Keys pick(const Keys& all, std::initializer_list<std::size_t> places) {
  Keys result;
  for (const std::size_t place : places) result.push_back(all.at(place));
  return result;
}

Bytes signed_file(const json::Value& signed_part, const Keys& keys) {
  const Bytes message = json::canonical(signed_part);
  json::Array signatures;
  for (const auto& signer : keys) {
    const auto signature = signer->sign(message);
    COTTER_ASSERT(signature);
    signatures.emplace_back(
        json::Object{{"keyid", signature->keyid.value()}, {"sig", to_hex(signature->bytes)}});
  }
  return to_bytes(
      json::to_text(json::Object{{"signatures", std::move(signatures)}, {"signed", signed_part}}));
}

}  // namespace cotter::sim
