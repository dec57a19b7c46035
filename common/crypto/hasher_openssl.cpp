// crypto::Hasher by OpenSSL: it uses the processor's SHA instructions, which libsodium does not.
#include <openssl/evp.h>

#include "common/crypto/digest.h"

namespace cotter::crypto {
namespace {

/// Fetched once and kept for good: EVP_sha256() would look its implementation up anew for every digest.
const EVP_MD* algorithm(HashFunction function) {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  static const EVP_MD* const sha512 = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  return function == HashFunction::Sha256 ? sha256 : sha512;
}

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

}  // namespace

struct Hasher::State {
  HashFunction function;
  std::unique_ptr<EVP_MD_CTX, FreeContext> context;
};

Hasher::Hasher(HashFunction function)
    : state_(std::make_unique<State>(
          State{function, std::unique_ptr<EVP_MD_CTX, FreeContext>(EVP_MD_CTX_new())})) {
  const EVP_MD* md = algorithm(function);
  COTTER_ASSERT(md != nullptr && state_->context != nullptr);
  COTTER_ASSERT(EVP_DigestInit_ex(state_->context.get(), md, nullptr) == 1);
}

void Hasher::update(ByteView bytes) {
  COTTER_ASSERT(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

Bytes Hasher::finish() {
  Bytes out(digest_size(state_->function));
  COTTER_ASSERT(EVP_DigestFinal_ex(state_->context.get(), out.data(), nullptr) == 1);
  return out;
}

Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

}  // namespace cotter::crypto
