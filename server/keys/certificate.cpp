#include "server/keys/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>

namespace cotter::keys {
namespace {

using keystore::openssl_failed;

constexpr std::uint64_t kScryptN = 16384;
constexpr std::uint64_t kScryptR = 8;
constexpr std::uint64_t kScryptP = 1;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // more only makes us slow
constexpr std::size_t kMaxRequest = 64 * 1024;
constexpr std::size_t kSerialBytes = 16;

using Bio = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using Request = std::unique_ptr<X509_REQ, FreeBy<X509_REQ_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeBy<X509_EXTENSION_free>>;
using BigNumber = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using PlainKey = std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeBy<PKCS8_PRIV_KEY_INFO_free>>;
using SealedKey = std::unique_ptr<X509_SIG, FreeBy<X509_SIG_free>>;
using Algorithm = std::unique_ptr<X509_ALGOR, FreeBy<X509_ALGOR_free>>;

Bio reading(std::string_view text) {
  return Bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string text_in(BIO& memory) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(&memory, &data);
  return {data, static_cast<std::size_t>(size)};
}

const char* chars(const crypto::Secret& secret) { return as_text(secret.view()).data(); }
int size_of(const crypto::Secret& secret) { return static_cast<int>(secret.view().size()); }

bool is_acceptable(const EVP_PKEY& key) {
  switch (EVP_PKEY_get_base_id(&key)) {
    case EVP_PKEY_ED25519:
      return true;
    case EVP_PKEY_RSA:
      return EVP_PKEY_get_bits(&key) >= kMinRsaBits && EVP_PKEY_get_bits(&key) <= kMaxRsaBits;
    case EVP_PKEY_EC: {
      std::array<char, 32> group{};
      return EVP_PKEY_get_group_name(&key, group.data(), group.size(), nullptr) == 1 &&
             (std::string_view(group.data()) == "prime256v1" ||
              std::string_view(group.data()) == "secp384r1");
    }
    default:
      return false;
  }
}

bool set_serial(X509& certificate) {
  std::array<unsigned char, kSerialBytes> bytes{};
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] = (bytes[0] & 0x7FU) | 0x40U;  // positive, and always of one length
  const BigNumber number(BN_bin2bn(bytes.data(), bytes.size(), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(&certificate)) != nullptr;
}

bool set_name(X509_NAME* name, const std::string& common_name) {
  // OpenSSL only reads these bytes; its types are older than C++.
  const auto* bytes = reinterpret_cast<const unsigned char*>(common_name.data());
  return X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, bytes,
                                    static_cast<int>(common_name.size()), -1, 0) == 1;
}

bool set_times(X509& certificate, const CertificateText& text) {
  return ASN1_TIME_set(X509_getm_notBefore(&certificate), text.not_before.time_since_epoch().count()) !=
             nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(&certificate), text.not_after.time_since_epoch().count()) !=
             nullptr;
}

bool add_extension(X509& certificate, X509V3_CTX& context, int nid, const std::string& value) {
  if (value.empty()) return true;
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(&certificate, extension.get(), -1) == 1;
}

bool add_extensions(X509& certificate, X509* issuer, const CertificateText& text) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer != nullptr ? issuer : &certificate, &certificate, nullptr, nullptr, 0);
  return add_extension(certificate, context, NID_basic_constraints, text.basic_constraints) &&
         add_extension(certificate, context, NID_key_usage, text.key_usage) &&
         add_extension(certificate, context, NID_ext_key_usage, text.extended_key_usage) &&
         add_extension(certificate, context, NID_subject_alt_name, text.alternative_names) &&
         add_extension(certificate, context, NID_subject_key_identifier, "hash") &&
         (issuer == nullptr ||
          add_extension(certificate, context, NID_authority_key_identifier, "keyid:always"));
}

}  // namespace

Result<KeyHandle> make_key() { return keystore::make_private(crypto::Scheme::EcdsaP256); }

Result<std::string> sealed_pem(EVP_PKEY& key, const crypto::Secret& passphrase) {
  const std::string what = "cannot encrypt a key";
  const PlainKey plain(EVP_PKEY2PKCS8(&key));
  Algorithm algorithm(
      PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), nullptr, 0, nullptr, kScryptN, kScryptR, kScryptP));
  if (!plain || !algorithm) return openssl_failed(what);
  const SealedKey sealed(
      PKCS8_set0_pbe(chars(passphrase), size_of(passphrase), plain.get(), algorithm.get()));
  if (!sealed) return openssl_failed(what);
  (void)algorithm.release();  // `sealed` has taken it over
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_PKCS8(out.get(), sealed.get()) != 1) return openssl_failed(what);
  return text_in(*out);
}

Result<KeyHandle> open_sealed_pem(std::string_view pem, const crypto::Secret& passphrase,
                                  const std::string& what) {
  const SealedKey sealed(PEM_read_bio_PKCS8(reading(pem).get(), nullptr, nullptr, nullptr));
  if (!sealed) {
    ERR_clear_error();
    return fault(Fault::Kind::Io, "cannot read " + what + ": it is damaged, or no encrypted PEM",
                 "restore it from a backup");
  }
  const PlainKey plain(PKCS8_decrypt(sealed.get(), chars(passphrase), size_of(passphrase)));
  if (!plain) {
    ERR_clear_error();
    return fault(Fault::Kind::Denied, "cannot unlock " + what + ": wrong passphrase",
                 "give the workspace's passphrase");
  }
  KeyHandle key(EVP_PKCS82PKEY(plain.get()));
  if (!key) return openssl_failed("cannot read " + what);
  return key;
}

Result<KeyHandle> requested_key(std::string_view csr_pem) {
  Request request;
  if (csr_pem.size() <= kMaxRequest) {
    request.reset(PEM_read_bio_X509_REQ(reading(csr_pem).get(), nullptr, nullptr, nullptr));
  }
  KeyHandle key(request ? X509_REQ_get_pubkey(request.get()) : nullptr);
  if (!key) {
    ERR_clear_error();
    return fault(Fault::Kind::Usage, "cannot read the certificate request: no PKCS #10 request in PEM",
                 "it begins with -----BEGIN CERTIFICATE REQUEST-----");
  }
  if (!is_acceptable(*key)) {
    return fault(Fault::Kind::Denied, "certificate request refused: its kind or size of key is not accepted",
                 "use P-256, P-384, Ed25519, or RSA of 2048 to 8192 bits");
  }
  if (X509_REQ_verify(request.get(), key.get()) != 1) {
    ERR_clear_error();
    return fault(Fault::Kind::Denied,
                 "certificate request refused: it is not signed by the key that it names",
                 "make the request where the private key is");
  }
  return key;
}

Result<CertificateHandle> make_certificate(const CertificateText& text, EVP_PKEY& subject_key, X509* issuer,
                                           EVP_PKEY& issuer_key) {
  CertificateHandle certificate(X509_new());
  const bool made =
      certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 && set_serial(*certificate) &&
      set_times(*certificate, text) && set_name(X509_get_subject_name(certificate.get()), text.common_name) &&
      X509_set_issuer_name(certificate.get(),
                           X509_get_subject_name(issuer != nullptr ? issuer : certificate.get())) == 1 &&
      X509_set_pubkey(certificate.get(), &subject_key) == 1 && add_extensions(*certificate, issuer, text) &&
      X509_sign(certificate.get(), &issuer_key, EVP_sha256()) > 0;
  if (!made) return openssl_failed("cannot make the certificate of " + text.common_name);
  return certificate;
}

Result<std::string> pem_of(X509& certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_X509(out.get(), &certificate) != 1)
    return openssl_failed("cannot write a certificate");
  return text_in(*out);
}

Result<CertificateHandle> read_certificate(std::string_view pem, const std::string& what) {
  CertificateHandle certificate(PEM_read_bio_X509(reading(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    ERR_clear_error();
    return fault(Fault::Kind::Io, "cannot read " + what + ": it is damaged", "restore it from a backup");
  }
  return certificate;
}

}  // namespace cotter::keys
