// RSA, ECDSA and post-quantum schemes by OpenSSL, behind PublicKey and for it alone. Left out of an ECU's
// build. Never takes the hash, the padding or the curve from the signature (ATK-37). Pure: safe on any
// thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"

namespace cotter::crypto {

/// A public key as OpenSSL has parsed it.
struct OpensslKey {
  enum class Kind : std::uint8_t { Rsa, EcP256, EcP384, Other };
  Kind kind = Kind::Other;
  int bits = 0;                ///< RSA: size of the modulus
  bool sound_exponent = true;  ///< RSA: e is odd and above 1; with e = 1 anybody could sign
  std::string material;        ///< FMT-22: "rsa:n:e" or "ecdsa-p256:x:y" (or p384), in hex; "ML-DSA-65:"
                               ///< and the key's bytes; empty for other kinds
  std::shared_ptr<const void> handle;  ///< an EVP_PKEY
};

/// Reads one PEM block and nothing beside it: SubjectPublicKeyInfo ("BEGIN PUBLIC KEY").
std::optional<OpensslKey> read_public_pem(std::string_view pem);
/// PKCS #1 ("BEGIN RSA PUBLIC KEY"), as some repositories in the field write it.
std::optional<OpensslKey> read_pkcs1_pem(std::string_view pem);
/// SubjectPublicKeyInfo of the scheme that OpenSSL calls so; nothing for a key of another.
std::optional<OpensslKey> read_post_quantum_pem(std::string_view pem, const char* scheme);
/// An uncompressed P-256 point, 65 bytes.
std::optional<OpensslKey> read_p256_point(ByteView point);

/// Whether the OpenSSL that this program runs on has the scheme of this name.
bool openssl_verifies(const char* scheme) noexcept;

enum class Digest : std::uint8_t { Sha256, Sha384, Sha512 };

/// FMT-24: PSS with the same digest in MGF1, salt of any length.
bool verify_rsa_pss(const void* handle, Digest digest, ByteView message, ByteView signature) noexcept;
/// The padding before PSS.
bool verify_rsa_pkcs1(const void* handle, Digest digest, ByteView message, ByteView signature) noexcept;
/// FMT-24: the signature a DER SEQUENCE of r and s and nothing else, both in range.
bool verify_ecdsa(const void* handle, Digest digest, ByteView message, ByteView signature) noexcept;
/// Pure mode, without a context.
bool verify_post_quantum(const void* handle, ByteView message, ByteView signature) noexcept;

}  // namespace cotter::crypto
