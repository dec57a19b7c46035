// A public key as metadata lists it: parsed once, compared by its material, asked whether it signed.
// Never trusts a key id, and never lets the signature choose the algorithm (ATK-37).
// Immutable: safe on any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/scheme.h"
#include "common/json/value.h"

namespace cotter::crypto {

/// How strictly metadata is read (checklist section 0).
enum class Profile : std::uint8_t { Tuf, Vehicle };

class PublicKey {
 public:
  /// Reads a KEY object (FMT-23). A key type or scheme that we do not know, or that this build or its OpenSSL
  /// leaves out, gives a key that verifies nothing: repositories in the field list such keys beside good
  /// ones. Profile::Tuf takes older spellings too: keytypes `ecdsa-sha2-nistp256` and `…384`, a bare P-256
  /// point in hex, and PKCS #1 PEM; and schemes that vehicles do not know: P-384, and RSA with other hashes
  /// or with the older padding. Rejections: member-missing, member-wrong-kind, key-malformed;
  /// key-scheme-mismatch, key-too-weak (RSA below 2048 bits, or an exponent with which anybody could sign)
  /// (FMT-7).
  static Result<PublicKey> decode(const json::Value& key, Profile profile);
  /// The key of these 32 bytes, as we publish it.
  static PublicKey ed25519(ByteView raw32);

  [[nodiscard]] Scheme scheme() const noexcept { return scheme_; }
  /// As the key names it, where this build or its OpenSSL cannot verify it too; Unsupported for a name that
  /// we do not know.
  [[nodiscard]] Scheme listed_scheme() const noexcept;
  /// The KEY object as it was read, unknown members and all (FMT-9).
  [[nodiscard]] const json::Value& encode() const noexcept { return json_; }
  /// SHA-256 over the canonical KEY object {"keytype","keyval","scheme"} (FMT-21): what a publisher writes.
  [[nodiscard]] KeyId computed_id() const;
  /// Equal for two spellings of one key: ed25519 and post-quantum ones their bytes; ECDSA the point; RSA n
  /// and e (FMT-22). Prefixed by its kind; for an unsupported key "unsupported:" and its `keyval` in
  /// canonical form.
  [[nodiscard]] const std::string& material() const noexcept { return material_; }
  /// Whether this key made `signature` over `message` (FMT-24). False for an unsupported key and for any
  /// malformed signature.
  [[nodiscard]] bool verifies(ByteView message, ByteView signature) const;

 private:
  PublicKey() = default;
  Scheme scheme_ = Scheme::Unsupported;
  json::Value json_;
  std::string material_;
  Bytes raw_;                           ///< ed25519: the 32 bytes
  std::shared_ptr<const void> handle_;  ///< other schemes: OpenSSL's parsed key
};

}  // namespace cotter::crypto
