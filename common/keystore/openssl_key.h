// Keys as OpenSSL has them: private ones on their way in and out of key files, and public halves as tokens
// and TPMs give them, in the form that metadata lists. Never writes a private key unencrypted anywhere. Safe
// on any thread; a key has one owner.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/free_by.h"
#include "common/crypto/public_key.h"
#include "common/crypto/secret.h"

namespace cotter::keystore {

using OpensslKey = std::unique_ptr<EVP_PKEY, crypto::FreeBy<EVP_PKEY_free>>;

/// What OpenSSL says about the last thing that went wrong, as Io; its queue is empty afterwards.
tl::unexpected<Error> openssl_failed(const std::string& what);

/// Usage: what needs a scheme that this OpenSSL lacks.
tl::unexpected<Error> not_by_this_openssl(std::string_view what);

/// The schemes that we sign with (KEY-9), by their names in metadata, for which "ml-dsa-65" will do as well
/// as "ml-dsa-65/1". RSA is made with 3072 bits. Fault: Usage (another; lists them; or one that this OpenSSL
/// lacks, and says so).
Result<crypto::Scheme> signing_scheme(std::string_view name);

/// Faults: Io, Usage (a scheme that this OpenSSL lacks).
Result<OpensslKey> make_private(crypto::Scheme scheme);
/// From one PEM block, PKCS #8 or older; `passphrase` may be null where it is not encrypted. Faults: Denied
/// (encrypted, and no or another passphrase), Usage (no private key; a kind that we do not sign with).
Result<OpensslKey> read_private_pem(std::string_view pem, const crypto::Secret* passphrase);

/// What a key file seals: the 32-byte seed of ed25519, else PKCS #8 in DER. Fault: Io.
Result<crypto::Secret> private_bytes(EVP_PKEY& key);
/// Fault: Io (not what private_bytes() gives for this scheme).
Result<OpensslKey> private_from(crypto::Scheme scheme, ByteView bytes);

/// As metadata lists it (FMT-23): all but ed25519 as PEM. Fault: Usage (a kind that we do not sign with).
Result<crypto::PublicKey> public_key_of(EVP_PKEY& key);
/// `point` is uncompressed: 04, X, Y. Fault: Io (no point of the curve).
Result<crypto::PublicKey> p256_public_key(ByteView point);
/// Big-endian numbers. Faults: Io, Usage (below 2048 bits).
Result<crypto::PublicKey> rsa_public_key(ByteView modulus, ByteView exponent);

/// RSA-PSS with a salt of 32 bytes, ECDSA in DER, both over SHA-256; post-quantum schemes over
/// crypto::post_quantum_input(). Fault: Io.
Result<Bytes> sign_by_openssl(EVP_PKEY& key, ByteView message);
/// The DER of an ECDSA signature that came as r and s of equal length. Fault: Io.
Result<Bytes> ecdsa_der(ByteView r_and_s);

}  // namespace cotter::keystore
