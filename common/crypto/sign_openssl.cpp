#include "common/crypto/sign_openssl.h"

#include <openssl/evp.h>

#include <memory>

#include "common/crypto/free_by.h"

namespace cotter::crypto {

std::optional<Bytes> sign_ed25519_by_openssl(ByteView seed, ByteView message) {
  const std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>> key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  const std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  if (key == nullptr || context == nullptr) return std::nullopt;
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1) return std::nullopt;
  constexpr std::size_t kSignatureSize = 64;
  Bytes signature(kSignatureSize);
  std::size_t size = signature.size();
  if (EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1)
    return std::nullopt;
  return signature;
}

}  // namespace cotter::crypto
