// Ed25519 by libsodium, behind PublicKey and for it alone.
// Never accepts a second form of one signature or key.
// Pure: safe on any thread.
#pragma once

#include "common/base/bytes.h"

namespace cotter::crypto {

inline constexpr std::size_t kEd25519KeySize = 32;

/// FMT-24: false for a signature or key of another length, for a non-canonical S (ATK-37: S + L), and for a
/// key or R that is non-canonical or of small order.
bool verify_ed25519(ByteView public_key, ByteView message, ByteView signature) noexcept;

}  // namespace cotter::crypto
