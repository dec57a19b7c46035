#include "common/keystore/openssl_key.h"

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <array>
#include <string>
#include <utility>

#include "common/json/value.h"

namespace cotter::keystore {
namespace {

using crypto::FreeBy;
using crypto::Scheme;
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;
using BigNumber = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using Context = std::unique_ptr<EVP_PKEY_CTX, FreeBy<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeBy<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreeBy<OSSL_PARAM_free>>;
using PlainKey = std::unique_ptr<PKCS8_PRIV_KEY_INFO, FreeBy<PKCS8_PRIV_KEY_INFO_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreeBy<ECDSA_SIG_free>>;

constexpr int kRsaBits = 3072;
constexpr int kSaltBytes = 32;
constexpr std::size_t kPointBytes = 65;
constexpr std::size_t kSeedBytes = 32;

tl::unexpected<Error> not_ours() {
  return fault(Fault::Kind::Usage, "this is no key that Cotter signs with",
               "use ed25519, ECDSA on P-256, RSA of 2048 bits or more, ML-DSA, or SLH-DSA-SHA2-128s");
}

/// OpenSSL's name of what we sign with; nullptr for what we only verify.
const char* openssl_name(Scheme scheme) {
  if (scheme == Scheme::Ed25519) return "ED25519";
  if (scheme == Scheme::EcdsaP256) return "EC";
  return scheme == Scheme::RsaPssSha256 ? "RSA" : crypto::post_quantum_name(scheme);
}

Result<const crypto::KnownScheme*> kind_of(const EVP_PKEY& key) {
  for (const crypto::KnownScheme& kind : crypto::known_schemes()) {
    const char* name = openssl_name(kind.scheme);
    if (name != nullptr && EVP_PKEY_is_a(&key, name) == 1) return &kind;
  }
  return not_ours();
}

/// Without the version of its encoding, which a person need not type: "ml-dsa-65" for "ml-dsa-65/1".
std::string_view short_name(std::string_view scheme) { return scheme.substr(0, scheme.find('/')); }

Result<std::string> public_pem(EVP_PKEY& key) {
  const Bio memory(BIO_new(BIO_s_mem()));
  if (!memory || PEM_write_bio_PUBKEY(memory.get(), &key) != 1)
    return openssl_failed("cannot write a public key");
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

/// Of a private key's PEM. Nothing asks at the terminal: without a passphrase an encrypted one does not open.
int give_passphrase(char* buffer, int size, int /*writing*/, void* passphrase) {
  const auto* secret = static_cast<const crypto::Secret*>(passphrase);
  if (secret == nullptr || secret->view().size() > static_cast<std::size_t>(size)) return -1;
  std::copy(secret->view().begin(), secret->view().end(), buffer);
  return static_cast<int>(secret->view().size());
}

Result<OpensslKey> from_params(const char* kind, OSSL_PARAM* params) {
  const Context context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
  EVP_PKEY* key = nullptr;
  if (!context || params == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params) != 1) {
    return openssl_failed("this is no public key");
  }
  return OpensslKey(key);
}

}  // namespace

tl::unexpected<Error> openssl_failed(const std::string& what) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return fault(Fault::Kind::Io, what + (reason != nullptr ? std::string(": ") + reason : std::string()));
}

Result<Scheme> signing_scheme(std::string_view name) {
  std::string ours;
  for (const crypto::KnownScheme& known : crypto::known_schemes()) {
    if (openssl_name(known.scheme) == nullptr) continue;
    if (known.name == name || short_name(known.name) == name) {
      if (!crypto::is_supported(known.scheme)) return not_by_this_openssl(known.name);
      return known.scheme;
    }
    ours += (ours.empty() ? "" : ", ") + std::string(short_name(known.name));
  }
  return fault(Fault::Kind::Usage, "we do not sign with \"" + std::string(name.substr(0, 64)) + "\"",
               "use one of " + ours);
}

tl::unexpected<Error> not_by_this_openssl(std::string_view what) {
  return fault(Fault::Kind::Usage,
               std::string(what) + " is not supported by this OpenSSL (" +
                   OpenSSL_version(OPENSSL_VERSION_STRING) + ")",
               "OpenSSL 3.5 and later have ML-DSA and SLH-DSA: Debian 13 comes with it");
}

Result<OpensslKey> make_private(Scheme scheme) {
  if (!crypto::is_supported(scheme)) return not_by_this_openssl(crypto::name_of(scheme));
  EVP_PKEY* key = nullptr;
  if (scheme == Scheme::Ed25519) {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  } else if (scheme == Scheme::EcdsaP256) {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256");
  } else if (scheme == Scheme::RsaPssSha256) {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(kRsaBits));
  } else if (const char* name = crypto::post_quantum_name(scheme)) {
    key = EVP_PKEY_Q_keygen(nullptr, nullptr, name);
  }
  if (key == nullptr) return openssl_failed("cannot make a key");
  return OpensslKey(key);
}

Result<OpensslKey> read_private_pem(std::string_view pem, const crypto::Secret* passphrase) {
  const Bio text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  // OpenSSL hands the pointer on to our callback alone, which reads it.
  OpensslKey key(PEM_read_bio_PrivateKey(text.get(), nullptr, &give_passphrase,
                                         const_cast<crypto::Secret*>(passphrase)));
  if (!key) {
    const bool encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
    ERR_clear_error();
    if (encrypted) return fault(Fault::Kind::Denied, "the private key is encrypted under another passphrase");
    return fault(Fault::Kind::Usage,
                 "there is no private key in PEM in it, or one that this OpenSSL does not know");
  }
  TRY(public_key_of(*key));
  return key;
}

Result<crypto::Secret> private_bytes(EVP_PKEY& key) {
  if (TRY(kind_of(key))->scheme == Scheme::Ed25519) {
    crypto::Secret seed(kSeedBytes);
    std::size_t size = kSeedBytes;
    if (EVP_PKEY_get_raw_private_key(&key, seed.bytes().data(), &size) != 1 || size != kSeedBytes) {
      return openssl_failed("cannot take the seed of a key");
    }
    return seed;
  }
  const PlainKey plain(EVP_PKEY2PKCS8(&key));
  unsigned char* der = nullptr;
  const int size = plain ? i2d_PKCS8_PRIV_KEY_INFO(plain.get(), &der) : -1;
  if (size <= 0) return openssl_failed("cannot encode a key");
  crypto::Secret secret = crypto::Secret::taking({der, static_cast<std::size_t>(size)});
  OPENSSL_free(der);
  return secret;
}

Result<OpensslKey> private_from(Scheme scheme, ByteView bytes) {
  if (scheme == Scheme::Ed25519) {
    OpensslKey key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size()));
    if (!key) return openssl_failed("this is no seed of an ed25519 key");
    return key;
  }
  const unsigned char* at = bytes.data();
  const PlainKey plain(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &at, static_cast<long>(bytes.size())));
  OpensslKey key(plain ? EVP_PKCS82PKEY(plain.get()) : nullptr);
  if (!key) return openssl_failed("this is no private key");
  if (TRY(kind_of(*key))->scheme != scheme) return fault(Fault::Kind::Io, "this is a key of another kind");
  return key;
}

Result<crypto::PublicKey> public_key_of(EVP_PKEY& key) {
  const crypto::KnownScheme& kind = *TRY(kind_of(key));
  if (kind.scheme == Scheme::Ed25519) {
    Bytes raw(kSeedBytes);
    std::size_t size = raw.size();
    if (EVP_PKEY_get_raw_public_key(&key, raw.data(), &size) != 1 || size != raw.size()) {
      return openssl_failed("cannot take a public key");
    }
    return crypto::PublicKey::ed25519(raw);
  }
  const json::Object listed{{"keytype", kind.keytype},
                            {"keyval", json::Object{{"public", TRY(public_pem(key))}}},
                            {"scheme", kind.name}};
  auto decoded = crypto::PublicKey::decode(listed, crypto::Profile::Vehicle);
  if (!decoded || decoded->scheme() != kind.scheme) return not_ours();  // a small RSA key, another curve
  return decoded;
}

Result<crypto::PublicKey> p256_public_key(ByteView point) {
  if (point.size() != kPointBytes) return fault(Fault::Kind::Io, "this is no uncompressed point of P-256");
  std::array params = {OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                                        const_cast<char*>("P-256"), 0),  // only read
                       OSSL_PARAM_construct_octet_string(
                           OSSL_PKEY_PARAM_PUB_KEY, const_cast<std::uint8_t*>(point.data()), point.size()),
                       OSSL_PARAM_construct_end()};
  const OpensslKey key = TRY(from_params("EC", params.data()));
  return public_key_of(*key);
}

Result<crypto::PublicKey> rsa_public_key(ByteView modulus, ByteView exponent) {
  const BigNumber n(BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr));
  const BigNumber e(BN_bin2bn(exponent.data(), static_cast<int>(exponent.size()), nullptr));
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  if (!n || !e || !builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return openssl_failed("cannot read an RSA key");
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const OpensslKey key = TRY(from_params("RSA", params.get()));
  return public_key_of(*key);
}

Result<Bytes> sign_by_openssl(EVP_PKEY& key, ByteView message) {
  const DigestContext context(EVP_MD_CTX_new());
  EVP_PKEY_CTX* options = nullptr;  // belongs to `context`
  const Scheme scheme = TRY(kind_of(key))->scheme;
  const bool post_quantum = crypto::post_quantum_name(scheme) != nullptr;
  const Bytes prefixed = post_quantum ? crypto::post_quantum_input(message) : Bytes();
  if (post_quantum) message = prefixed;
  const EVP_MD* digest = scheme == Scheme::Ed25519 || post_quantum ? nullptr : EVP_sha256();
  if (!context || EVP_DigestSignInit(context.get(), &options, digest, nullptr, &key) != 1) {
    return openssl_failed("cannot sign");
  }
  if (scheme == Scheme::RsaPssSha256 && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
                                         EVP_PKEY_CTX_set_rsa_pss_saltlen(options, kSaltBytes) != 1)) {
    return openssl_failed("cannot sign");
  }
  std::size_t size = 0;
  if (EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) != 1) {
    return openssl_failed("cannot sign");
  }
  Bytes signature(size);
  if (EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1) {
    return openssl_failed("cannot sign");
  }
  signature.resize(size);
  return signature;
}

Result<Bytes> ecdsa_der(ByteView r_and_s) {
  if (r_and_s.empty() || r_and_s.size() % 2 != 0) return fault(Fault::Kind::Io, "this is no ECDSA signature");
  const auto half = r_and_s.size() / 2;
  BigNumber r(BN_bin2bn(r_and_s.data(), static_cast<int>(half), nullptr));
  BigNumber s(BN_bin2bn(r_and_s.data() + half, static_cast<int>(half), nullptr));
  const EcdsaSignature signature(ECDSA_SIG_new());
  if (!signature || !r || !s || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1) {
    return openssl_failed("cannot encode a signature");
  }
  static_cast<void>(r.release());  // the signature owns them now
  static_cast<void>(s.release());
  Bytes der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature.get(), nullptr)));
  unsigned char* at = der.data();
  i2d_ECDSA_SIG(signature.get(), &at);
  return der;
}

}  // namespace cotter::keystore
