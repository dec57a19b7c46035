// Certificate requests as a vehicle's OpenSSL makes them, honest ones and others.
// Never for use outside tests. One thread.
#pragma once

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>

#include "server/keys/certificate.h"

namespace cotter::test {

inline std::string text_of(BIO* memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(memory);
  return text;
}

/// A request for `named`, signed by `signing`: the same key in an honest one.
inline std::string csr(EVP_PKEY* named, EVP_PKEY* signing, const char* common_name = "the sender's idea") {
  X509_REQ* request = X509_REQ_new();
  const auto* bytes = reinterpret_cast<const unsigned char*>(common_name);
  X509_NAME_add_entry_by_NID(X509_REQ_get_subject_name(request), NID_commonName, MBSTRING_UTF8, bytes, -1, -1,
                             0);
  X509_REQ_set_pubkey(request, named);
  X509_REQ_sign(request, signing, EVP_PKEY_get_base_id(signing) == EVP_PKEY_ED25519 ? nullptr : EVP_sha256());
  BIO* memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509_REQ(memory, request);
  X509_REQ_free(request);
  return text_of(memory);
}

}  // namespace cotter::test
