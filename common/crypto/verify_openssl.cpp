#include "common/crypto/verify_openssl.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <limits>

#include "common/crypto/free_by.h"

namespace cotter::crypto {
namespace {

using Bio = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using Number = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using SignatureScheme = std::unique_ptr<EVP_SIGNATURE, FreeBy<EVP_SIGNATURE_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;

/// Hostile keys and signatures fail inside OpenSSL, which keeps a list of errors per thread: leave none
/// behind.
struct ForgetErrors {
  ForgetErrors() { ERR_set_mark(); }
  ~ForgetErrors() { ERR_pop_to_mark(); }
  ForgetErrors(const ForgetErrors&) = delete;
  ForgetErrors& operator=(const ForgetErrors&) = delete;
};

std::optional<Bytes> number_of(const EVP_PKEY* key, const char* name, int size) {
  BIGNUM* raw = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &raw) != 1) return std::nullopt;
  const Number number(raw);
  Bytes bytes(static_cast<std::size_t>(size == 0 ? BN_num_bytes(number.get()) : size));
  if (BN_bn2binpad(number.get(), bytes.data(), static_cast<int>(bytes.size())) < 0) return std::nullopt;
  return bytes;
}

std::string group_of(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) != 1) return "";
  return {group.data(), size};
}

const EVP_MD* algorithm(Digest digest) {
  if (digest == Digest::Sha256) return EVP_sha256();
  return digest == Digest::Sha384 ? EVP_sha384() : EVP_sha512();
}

std::optional<OpensslKey> describe_rsa(const EVP_PKEY* key, OpensslKey described) {
  const std::optional<Bytes> n = number_of(key, OSSL_PKEY_PARAM_RSA_N, 0);
  const std::optional<Bytes> e = number_of(key, OSSL_PKEY_PARAM_RSA_E, 0);
  if (!n || !e || n->empty() || e->empty()) return std::nullopt;
  described.kind = OpensslKey::Kind::Rsa;
  described.bits = EVP_PKEY_get_bits(key);
  described.sound_exponent = e->back() % 2 == 1 && *e != Bytes{1};
  described.material = "rsa:" + to_hex(*n) + ":" + to_hex(*e);
  return described;
}

std::optional<OpensslKey> describe_ec(const EVP_PKEY* key, OpensslKey described) {
  const std::string group = group_of(key);
  const bool p256 = group == "prime256v1";
  if (!p256 && group != "secp384r1") return described;
  const int coordinate = p256 ? 32 : 48;
  // Coordinates, not the encoded point: that has a compressed form beside the plain one.
  const std::optional<Bytes> x = number_of(key, OSSL_PKEY_PARAM_EC_PUB_X, coordinate);
  const std::optional<Bytes> y = number_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, coordinate);
  if (!x || !y) return std::nullopt;
  described.kind = p256 ? OpensslKey::Kind::EcP256 : OpensslKey::Kind::EcP384;
  described.material = (p256 ? "ecdsa-p256:" : "ecdsa-p384:") + to_hex(*x) + ":" + to_hex(*y);
  return described;
}

std::optional<OpensslKey> describe(Key key) {
  if (!key) return std::nullopt;
  const EVP_PKEY* raw = key.get();
  OpensslKey described;
  described.handle = std::shared_ptr<EVP_PKEY>(std::move(key));
  if (EVP_PKEY_is_a(raw, "RSA") == 1) return describe_rsa(raw, std::move(described));
  if (EVP_PKEY_is_a(raw, "EC") == 1) return describe_ec(raw, std::move(described));
  return described;
}

/// The DER inside exactly one PEM block of this name, without headers.
std::optional<Bytes> unwrap_pem(std::string_view pem, std::string_view wanted) {
  const std::size_t end = pem.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos || pem.size() > std::numeric_limits<int>::max()) return std::nullopt;
  pem = pem.substr(0, end + 1);
  const std::string begin = "-----BEGIN " + std::string(wanted) + "-----";
  if (pem.substr(0, begin.size()) != begin || pem.find("-----BEGIN ", 1) != std::string_view::npos)
    return std::nullopt;

  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long size = 0;
  if (!bio || PEM_read_bio(bio.get(), &name, &header, &data, &size) != 1) return std::nullopt;
  const bool plain = wanted == name && *header == '\0' && BIO_pending(bio.get()) == 0;
  Bytes der(data, data + size);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_free(data);
  if (!plain) return std::nullopt;
  return der;
}

Key read_spki(ByteView der) {
  const unsigned char* at = der.data();
  Key key(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
  return at == der.data() + der.size() ? std::move(key) : nullptr;
}

/// `digest` is null where a scheme takes the message as it is.
bool verify(const void* handle, const EVP_MD* digest, ByteView message, ByteView signature,
            bool (*prepare)(EVP_PKEY_CTX*, const EVP_MD*)) noexcept {
  const ForgetErrors forget;
  const Context context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;  // belongs to `context`
  // OpenSSL counts references in the key, so it takes it as mutable; it does not change it.
  auto* key = const_cast<EVP_PKEY*>(static_cast<const EVP_PKEY*>(handle));
  return context && EVP_DigestVerifyInit(context.get(), &options, digest, nullptr, key) == 1 &&
         prepare(options, digest) &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace

std::optional<OpensslKey> read_public_pem(std::string_view pem) {
  const ForgetErrors forget;
  const std::optional<Bytes> der = unwrap_pem(pem, "PUBLIC KEY");
  return der ? describe(read_spki(*der)) : std::nullopt;
}

std::optional<OpensslKey> read_post_quantum_pem(std::string_view pem, const char* scheme) {
  const ForgetErrors forget;
  const std::optional<Bytes> der = unwrap_pem(pem, "PUBLIC KEY");
  Key key = der ? read_spki(*der) : nullptr;
  if (!key || EVP_PKEY_is_a(key.get(), scheme) != 1) return std::nullopt;
  std::size_t size = 0;
  if (EVP_PKEY_get_raw_public_key(key.get(), nullptr, &size) != 1) return std::nullopt;
  Bytes raw(size);
  if (EVP_PKEY_get_raw_public_key(key.get(), raw.data(), &size) != 1) return std::nullopt;
  OpensslKey described;
  described.material = std::string(scheme) + ":" + to_hex(raw);
  described.handle = std::shared_ptr<EVP_PKEY>(std::move(key));
  return described;
}

std::optional<OpensslKey> read_pkcs1_pem(std::string_view pem) {
  const ForgetErrors forget;
  const std::optional<Bytes> der = unwrap_pem(pem, "RSA PUBLIC KEY");
  if (!der) return std::nullopt;
  const unsigned char* at = der->data();
  Key key(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, static_cast<long>(der->size())));
  return at == der->data() + der->size() ? describe(std::move(key)) : std::nullopt;
}

std::optional<OpensslKey> read_p256_point(ByteView point) {
  // SubjectPublicKeyInfo of P-256 up to the point, which has a fixed size.
  static constexpr std::array<std::uint8_t, 26> kPrefix = {
      0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
      0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00};
  constexpr std::size_t kPoint = 65;
  if (point.size() != kPoint) return std::nullopt;
  const ForgetErrors forget;
  Bytes der(kPrefix.begin(), kPrefix.end());
  der.insert(der.end(), point.begin(), point.end());
  return describe(read_spki(der));
}

bool verify_rsa_pss(const void* handle, Digest digest, ByteView message, ByteView signature) noexcept {
  return verify(handle, algorithm(digest), message, signature, [](EVP_PKEY_CTX* options, const EVP_MD* mask) {
    return EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(options, mask) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_AUTO) == 1;
  });
}

bool verify_rsa_pkcs1(const void* handle, Digest digest, ByteView message, ByteView signature) noexcept {
  return verify(handle, algorithm(digest), message, signature, [](EVP_PKEY_CTX* options, const EVP_MD*) {
    return EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PADDING) == 1;
  });
}

bool verify_ecdsa(const void* handle, Digest digest, ByteView message, ByteView signature) noexcept {
  return verify(handle, algorithm(digest), message, signature,
                [](EVP_PKEY_CTX*, const EVP_MD*) { return true; });
}

bool openssl_verifies(const char* scheme) noexcept {
  const ForgetErrors forget;
  const SignatureScheme found(EVP_SIGNATURE_fetch(nullptr, scheme, nullptr));
  return found != nullptr;
}

bool verify_post_quantum(const void* handle, ByteView message, ByteView signature) noexcept {
  return verify(handle, nullptr, message, signature, [](EVP_PKEY_CTX*, const EVP_MD*) { return true; });
}

}  // namespace cotter::crypto
