#include "common/crypto/scheme.h"

#include <algorithm>
#include <array>

#include "common/crypto/digest.h"
#ifdef COTTER_OPENSSL
#include "common/crypto/verify_openssl.h"
#endif

namespace cotter::crypto {
namespace {

constexpr std::array kKnownSchemes = {
    KnownScheme{"ed25519", "ed25519", Scheme::Ed25519},
    KnownScheme{"ecdsa-sha2-nistp256", "ecdsa", Scheme::EcdsaP256},
    KnownScheme{"ecdsa-sha2-nistp384", "ecdsa", Scheme::EcdsaP384},
    KnownScheme{"ecdsa-sha2-nistp521", "ecdsa", Scheme::Unsupported},
    KnownScheme{"rsassa-pss-sha256", "rsa", Scheme::RsaPssSha256},
    KnownScheme{"rsassa-pss-sha384", "rsa", Scheme::RsaPssSha384},
    KnownScheme{"rsassa-pss-sha512", "rsa", Scheme::RsaPssSha512},
    KnownScheme{"rsa-pkcs1v15-sha256", "rsa", Scheme::RsaPkcs1Sha256},
    KnownScheme{"rsa-pkcs1v15-sha384", "rsa", Scheme::RsaPkcs1Sha384},
    KnownScheme{"rsa-pkcs1v15-sha512", "rsa", Scheme::RsaPkcs1Sha512},
    KnownScheme{"ml-dsa-44/1", "ml-dsa", Scheme::MlDsa44, "ML-DSA-44"},
    KnownScheme{"ml-dsa-65/1", "ml-dsa", Scheme::MlDsa65, "ML-DSA-65"},
    KnownScheme{"ml-dsa-87/1", "ml-dsa", Scheme::MlDsa87, "ML-DSA-87"},
    KnownScheme{"slh-dsa-sha2-128s/1", "slh-dsa", Scheme::SlhDsaSha2Small128, "SLH-DSA-SHA2-128s"},
};

const KnownScheme* row_of(Scheme scheme) noexcept {
  const auto* found = std::find_if(kKnownSchemes.begin(), kKnownSchemes.end(),
                                   [&](const KnownScheme& known) { return known.scheme == scheme; });
  return scheme == Scheme::Unsupported || found == kKnownSchemes.end() ? nullptr : found;
}

}  // namespace

std::string_view name_of(Scheme scheme) noexcept {
  const KnownScheme* row = row_of(scheme);
  return row == nullptr ? "unsupported" : row->name;
}

std::span<const KnownScheme> known_schemes() noexcept { return kKnownSchemes; }

const KnownScheme* scheme_named(std::string_view name) noexcept {
  const auto* found = std::find_if(kKnownSchemes.begin(), kKnownSchemes.end(),
                                   [&](const KnownScheme& known) { return known.name == name; });
  return found == kKnownSchemes.end() ? nullptr : found;
}

const char* post_quantum_name(Scheme scheme) noexcept {
  const KnownScheme* row = row_of(scheme);
  return row == nullptr ? nullptr : row->post_quantum;
}

std::string_view name_of(KeyClass key_class) noexcept {
  return key_class == KeyClass::Classical ? "classical" : "post-quantum";
}

std::optional<KeyClass> class_named(std::string_view name) noexcept {
  for (const KeyClass key_class : {KeyClass::Classical, KeyClass::PostQuantum}) {
    if (name_of(key_class) == name) return key_class;
  }
  return std::nullopt;
}

std::optional<KeyClass> class_of(Scheme scheme) noexcept {
  if (scheme == Scheme::Unsupported) return std::nullopt;
  return post_quantum_name(scheme) == nullptr ? KeyClass::Classical : KeyClass::PostQuantum;
}

#ifdef COTTER_OPENSSL
bool is_supported(Scheme scheme) noexcept {
  const char* name = post_quantum_name(scheme);
  return scheme != Scheme::Unsupported && (name == nullptr || openssl_verifies(name));
}
#else
bool is_supported(Scheme scheme) noexcept { return scheme == Scheme::Ed25519; }
#endif

Bytes post_quantum_input(ByteView message) {
  static constexpr std::array<std::uint8_t, 4> kPrefix = {'t', 'u', 'f', 1};
  Bytes input(kPrefix.begin(), kPrefix.end());
  const Bytes hash = digest(HashFunction::Sha512, message);
  input.insert(input.end(), hash.begin(), hash.end());
  return input;
}

}  // namespace cotter::crypto
