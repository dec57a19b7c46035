// The signature schemes that we know: their names in metadata, what each signs, and which this build
// verifies. Never takes a scheme from a signature (ATK-37). Pure: safe on any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/base/bytes.h"

namespace cotter::crypto {

enum class Scheme : std::uint8_t {
  Ed25519,
  EcdsaP256,
  RsaPssSha256,
  // Against quantum computers (decision 0021).
  MlDsa44,
  MlDsa65,
  MlDsa87,
  SlhDsaSha2Small128,
  // What other people's repositories sign with besides: verified in Profile::Tuf, never written.
  EcdsaP384,
  RsaPssSha384,
  RsaPssSha512,
  RsaPkcs1Sha256,
  RsaPkcs1Sha384,
  RsaPkcs1Sha512,
  Unsupported
};
/// "ed25519", "ecdsa-sha2-nistp256", "rsassa-pss-sha256", "ml-dsa-65/1", …; "unsupported"
std::string_view name_of(Scheme scheme) noexcept;

/// A scheme and the key type it belongs to. Those that we do not verify at all stand here as Unsupported, so
/// that a key which lists one under another type is refused, not passed over (FMT-7).
struct KnownScheme {
  std::string_view name;
  std::string_view keytype;
  Scheme scheme;
  const char* post_quantum = nullptr;  ///< OpenSSL's name of it, where quantum computers do not break it
};
std::span<const KnownScheme> known_schemes() noexcept;
/// nullptr for a name that we do not know.
const KnownScheme* scheme_named(std::string_view name) noexcept;
/// OpenSSL's name of a post-quantum scheme; nullptr for any other.
const char* post_quantum_name(Scheme scheme) noexcept;

/// What breaks a key: a discovery about curves and factors, or one about lattices and hashes.
enum class KeyClass : std::uint8_t { Classical, PostQuantum };
/// "classical", "post-quantum"
std::string_view name_of(KeyClass key_class) noexcept;
std::optional<KeyClass> class_named(std::string_view name) noexcept;
/// Of Unsupported none.
std::optional<KeyClass> class_of(Scheme scheme) noexcept;

/// Whether this build, with the OpenSSL that it runs on, verifies such signatures. Post-quantum ones are in
/// OpenSSL 3.5 and later.
bool is_supported(Scheme scheme) noexcept;

/// What a post-quantum scheme signs in place of `message` (the draft "ML-DSA signing scheme for TUF
/// metadata", version 1): "tuf", the byte 1, SHA-512 of the message; so that a token need not see the whole
/// of it.
Bytes post_quantum_input(ByteView message);

}  // namespace cotter::crypto
