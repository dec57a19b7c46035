// Ed25519 signatures of large messages by OpenSSL, whose SHA-512 uses the processor's vectors, which
// libsodium's does not. Behind Ed25519Pair and for it alone. Left out of an ECU's build. Pure: safe on any
// thread.
#pragma once

#include <optional>

#include "common/base/bytes.h"

namespace cotter::crypto {

/// As libsodium signs (RFC 8032 leaves no choice). What OpenSSL copies of the seed lies in its ordinary
/// memory, and is wiped before this returns. Nothing where this OpenSSL may not sign so.
std::optional<Bytes> sign_ed25519_by_openssl(ByteView seed, ByteView message);

}  // namespace cotter::crypto
