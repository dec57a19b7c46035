// ECDSA and RSA keys made by OpenSSL, for repositories that do not sign with ed25519.
// Never for use outside tests: made anew at every run. One thread.
#pragma once

#include <memory>

#include "common/crypto/signer.h"

namespace cotter::sim {

/// Keytype "ecdsa", scheme "ecdsa-sha2-nistp256".
std::shared_ptr<crypto::Signer> new_ecdsa_key();
/// Keytype "rsa", scheme "rsassa-pss-sha256", 2048 bits.
std::shared_ptr<crypto::Signer> new_rsa_key();

}  // namespace cotter::sim
