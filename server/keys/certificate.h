// X.509 by OpenSSL: key pairs, requests and certificates of the workspace's CA. For server/keys,
// and for the listener, which reads its own. Never signs anything by itself: pki.cpp says what for. Values
// with one owner; safe on any thread.
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/crypto/free_by.h"
#include "common/crypto/secret.h"
#include "common/keystore/openssl_key.h"

namespace cotter::keys {

using crypto::FreeBy;
using KeyHandle = keystore::OpensslKey;
using CertificateHandle = std::unique_ptr<X509, FreeBy<X509_free>>;

/// A fresh P-256 pair. Fault: Io.
Result<KeyHandle> make_key();
/// PKCS #8 in PEM, encrypted (scrypt N=16384 r=8 p=1, AES-256-CBC). Fault: Io.
Result<std::string> sealed_pem(EVP_PKEY& key, const crypto::Secret& passphrase);
/// Faults: Denied (wrong passphrase), Io (no such PEM); `what` names the file.
Result<KeyHandle> open_sealed_pem(std::string_view pem, const crypto::Secret& passphrase,
                                  const std::string& what);

/// The key that a request in PEM asks a certificate for, once the request's own signature shows that the
/// sender holds it. Faults: Usage (no request), Denied (not signed by that key; a kind or size of key that we
/// do not take).
Result<KeyHandle> requested_key(std::string_view csr_pem);

/// What a certificate says.
struct CertificateText {
  std::string common_name;  ///< at most 64 bytes
  std::string basic_constraints;
  std::string key_usage;
  std::string extended_key_usage{};  ///< these two left out where empty
  std::string alternative_names{};
  UtcTime not_before;
  UtcTime not_after;
};
/// A certificate for `subject_key` with a random serial number. `issuer` is the CA's certificate, or nullptr
/// for a certificate of its own. Fault: Io.
Result<CertificateHandle> make_certificate(const CertificateText& text, EVP_PKEY& subject_key, X509* issuer,
                                           EVP_PKEY& issuer_key);

Result<std::string> pem_of(X509& certificate);
/// Fault: Io; `what` names the file.
Result<CertificateHandle> read_certificate(std::string_view pem, const std::string& what);

}  // namespace cotter::keys
