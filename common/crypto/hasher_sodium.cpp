// crypto::Hasher by libsodium, for an ECU that does without OpenSSL.
#include <sodium.h>

#include <variant>

#include "common/crypto/digest.h"

namespace cotter::crypto {

struct Hasher::State {
  std::variant<crypto_hash_sha256_state, crypto_hash_sha512_state> hash;
};

Hasher::Hasher(HashFunction function) : state_(std::make_unique<State>()) {
  if (function == HashFunction::Sha256) {
    crypto_hash_sha256_init(&state_->hash.emplace<crypto_hash_sha256_state>());
  } else {
    crypto_hash_sha512_init(&state_->hash.emplace<crypto_hash_sha512_state>());
  }
}

void Hasher::update(ByteView bytes) {
  if (auto* sha256 = std::get_if<crypto_hash_sha256_state>(&state_->hash)) {
    crypto_hash_sha256_update(sha256, bytes.data(), bytes.size());
  } else if (auto* sha512 = std::get_if<crypto_hash_sha512_state>(&state_->hash)) {
    crypto_hash_sha512_update(sha512, bytes.data(), bytes.size());
  }
}

Bytes Hasher::finish() {
  Bytes out;
  if (auto* sha256 = std::get_if<crypto_hash_sha256_state>(&state_->hash)) {
    out.resize(crypto_hash_sha256_BYTES);
    crypto_hash_sha256_final(sha256, out.data());
  } else if (auto* sha512 = std::get_if<crypto_hash_sha512_state>(&state_->hash)) {
    out.resize(crypto_hash_sha512_BYTES);
    crypto_hash_sha512_final(sha512, out.data());
  }
  return out;
}

Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

}  // namespace cotter::crypto
