#include "common/crypto/verify_sodium.h"

#include <sodium.h>

namespace cotter::crypto {

static_assert(kEd25519KeySize == crypto_sign_PUBLICKEYBYTES);

bool verify_ed25519(ByteView public_key, ByteView message, ByteView signature) noexcept {
  if (public_key.size() != crypto_sign_PUBLICKEYBYTES || signature.size() != crypto_sign_BYTES) return false;
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(), public_key.data()) ==
         0;
}

}  // namespace cotter::crypto
