// ECDSA, RSA and post-quantum keys made by OpenSSL, for repositories that do not sign with ed25519.
// Never for use outside tests: made anew at every run. One thread.
#pragma once

#include <memory>
#include <string>

#include "common/crypto/signer.h"

namespace cotter::sim {

/// Keytype "ecdsa", scheme "ecdsa-sha2-nistp256".
std::shared_ptr<crypto::Signer> new_ecdsa_key();
/// Keytype "rsa", scheme "rsassa-pss-sha256", 2048 bits.
std::shared_ptr<crypto::Signer> new_rsa_key();

/// Of any scheme that the Tuf profile verifies: "rsa-pkcs1v15-sha512", "ecdsa-sha2-nistp384", "ml-dsa-65/1",
/// … Post-quantum ones only where crypto::is_supported() says so.
std::shared_ptr<crypto::Signer> new_openssl_key(const std::string& keytype, const std::string& scheme);

}  // namespace cotter::sim
