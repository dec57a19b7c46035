// Secret bytes: in locked memory, wiped when they go, never copied by accident.
// Never printable, never comparable but in constant time.
// One owner at a time.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "common/base/bytes.h"

namespace cotter::crypto {

class Secret {
 public:
  explicit Secret(std::size_t size);
  /// Takes the bytes over and wipes the source.
  static Secret taking(std::span<std::uint8_t> source);
  /// As many bytes of the system's random.
  static Secret random(std::size_t size);
  ~Secret();
  Secret(Secret&&) noexcept;
  Secret& operator=(Secret&&) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  [[nodiscard]] std::span<std::uint8_t> bytes() noexcept { return {data_, size_}; }
  [[nodiscard]] ByteView view() const noexcept { return {data_, size_}; }

 private:
  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

/// An ed25519 key pair held in memory (libsodium): an ECU's own key, or a key the file keystore has unlocked.
/// `seed` is 32 bytes.
struct Ed25519Pair {
  static Ed25519Pair generate();
  static Ed25519Pair from_seed(const Secret& seed);
  Secret seed;
  Secret expanded;   ///< libsodium's 64-byte form
  Bytes public_key;  ///< 32 bytes
  /// Of a large message OpenSSL signs, where there is one: for that time its memory holds the seed too.
  [[nodiscard]] Bytes sign(ByteView message) const;
};

}  // namespace cotter::crypto
