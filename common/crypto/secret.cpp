#include "common/crypto/secret.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "common/base/error.h"
#ifdef COTTER_OPENSSL
#include "common/crypto/sign_openssl.h"
#endif

namespace cotter::crypto {
namespace {

constexpr std::size_t kSeedSize = crypto_sign_SEEDBYTES;
#ifdef COTTER_OPENSSL
/// Of shorter messages libsodium signs several in the time in which OpenSSL makes its key.
constexpr std::size_t kLarge = 65'536;
#endif

/// Locked, fenced by guard pages, wiped when freed. libsodium wants to be initialised first, which it does
/// once.
std::uint8_t* allocate(std::size_t size) {
  COTTER_ASSERT(sodium_init() >= 0);
  void* memory = sodium_malloc(size);
  COTTER_ASSERT(memory != nullptr);
  return static_cast<std::uint8_t*>(memory);
}

}  // namespace

Secret::Secret(std::size_t size) : data_(allocate(size)), size_(size) {}

Secret Secret::taking(std::span<std::uint8_t> source) {
  Secret secret(source.size());
  std::copy(source.begin(), source.end(), secret.data_);
  sodium_memzero(source.data(), source.size());
  return secret;
}

Secret Secret::random(std::size_t size) {
  Secret secret(size);
  randombytes_buf(secret.data_, size);
  return secret;
}

Secret::~Secret() { sodium_free(data_); }

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    sodium_free(data_);  // now, not when `other` goes
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Ed25519Pair Ed25519Pair::generate() { return from_seed(Secret::random(kSeedSize)); }

Ed25519Pair Ed25519Pair::from_seed(const Secret& seed) {
  COTTER_ASSERT(seed.view().size() == kSeedSize);
  Ed25519Pair pair{Secret(kSeedSize), Secret(crypto_sign_SECRETKEYBYTES), Bytes(crypto_sign_PUBLICKEYBYTES)};
  std::copy(seed.view().begin(), seed.view().end(), pair.seed.bytes().begin());
  crypto_sign_seed_keypair(pair.public_key.data(), pair.expanded.bytes().data(), seed.view().data());
  return pair;
}

Bytes Ed25519Pair::sign(ByteView message) const {
#ifdef COTTER_OPENSSL
  if (message.size() >= kLarge) {
    if (auto signature = sign_ed25519_by_openssl(seed.view(), message)) return *std::move(signature);
  }
#endif
  Bytes signature(crypto_sign_BYTES);
  crypto_sign_detached(signature.data(), nullptr, message.data(), message.size(), expanded.view().data());
  return signature;
}

}  // namespace cotter::crypto
