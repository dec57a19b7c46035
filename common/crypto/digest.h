// SHA-256 and SHA-512, whole or streamed, and the hash lists that metadata carries.
// Never picks a weaker function, and never counts one it does not know.
// A Hasher belongs to one thread; the rest is pure.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/json/value.h"

namespace cotter::crypto {

enum class HashFunction : std::uint8_t { Sha256, Sha512 };
/// "sha256", "sha512"
std::string_view name_of(HashFunction function) noexcept;
std::optional<HashFunction> hash_function_named(std::string_view name) noexcept;
std::size_t digest_size(HashFunction function) noexcept;

/// Streaming hash: OpenSSL's EVP where linked (5 times libsodium's speed), else libsodium.
class Hasher {
 public:
  explicit Hasher(HashFunction function);
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  void update(ByteView bytes);
  /// The digest of all updates; the Hasher is spent afterwards.
  Bytes finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Bytes digest(HashFunction function, ByteView bytes);
inline Bytes sha256(ByteView bytes) { return digest(HashFunction::Sha256, bytes); }

/// `hashes` of metadata: function name -> digest. Functions we do not know are kept, and never match.
class Hashes {
 public:
  /// Rejections: member-wrong-kind (no object, no hex), hash-length-wrong (a known function with a digest of
  /// another size), hashes-empty (no known function at all).
  static Result<Hashes> decode(const json::Value& value);
  static Hashes of(ByteView bytes);  ///< sha256 and sha512, as we publish
  [[nodiscard]] json::Value encode() const;

  void set(HashFunction function, Bytes digest);
  [[nodiscard]] const Bytes* find(HashFunction function) const noexcept;
  [[nodiscard]] const std::map<std::string, Bytes>& all() const noexcept { return digests_; }
  /// Every known function listed here gives this digest over `bytes`, and there is at least one.
  [[nodiscard]] bool match(ByteView bytes) const;
  /// PRI-30: they share a known function, and all shared ones are equal.
  [[nodiscard]] bool agrees_with(const Hashes& other) const;
  /// A function that both list has another digest in each.
  [[nodiscard]] bool contradicts(const Hashes& other) const;
  friend bool operator==(const Hashes&, const Hashes&) = default;

 private:
  std::map<std::string, Bytes> digests_;
};

}  // namespace cotter::crypto
