#include "tests/sim/openssl_key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <string>
#include <utility>

namespace cotter::sim {
namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
using PrivateKey = std::unique_ptr<EVP_PKEY, FreeKey>;

std::string public_pem(EVP_PKEY* key) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out(BIO_new(BIO_s_mem()), &BIO_free);
  COTTER_ASSERT(PEM_write_bio_PUBKEY(out.get(), key) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<std::size_t>(size));
}

class OpensslKey final : public crypto::Signer {
 public:
  OpensslKey(PrivateKey key, const char* keytype, const char* scheme)
      : key_(std::move(key)), public_key_(decoded(key_.get(), keytype, scheme)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return public_key_; }

  Result<crypto::Signature> sign(ByteView message) override {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    EVP_PKEY_CTX* options = nullptr;
    COTTER_ASSERT(EVP_DigestSignInit(context.get(), &options, EVP_sha256(), nullptr, key_.get()) == 1);
    if (public_key_.scheme() == crypto::Scheme::RsaPssSha256) {
      COTTER_ASSERT(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1);
      COTTER_ASSERT(EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1);
    }
    std::size_t size = 0;
    COTTER_ASSERT(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1);
    Bytes signature(size);
    COTTER_ASSERT(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) ==
                  1);
    signature.resize(size);
    return crypto::Signature{public_key_.computed_id(), std::move(signature)};
  }

 private:
  static crypto::PublicKey decoded(EVP_PKEY* key, const char* keytype, const char* scheme) {
    const json::Value value = json::Object{
        {"keytype", keytype}, {"scheme", scheme}, {"keyval", json::Object{{"public", public_pem(key)}}}};
    auto decoded = crypto::PublicKey::decode(value, crypto::Profile::Vehicle);
    COTTER_ASSERT(decoded);
    return std::move(*decoded);
  }
  PrivateKey key_;
  crypto::PublicKey public_key_;
};

}  // namespace

std::shared_ptr<crypto::Signer> new_ecdsa_key() {
  return std::make_shared<OpensslKey>(PrivateKey(EVP_EC_gen("P-256")), "ecdsa", "ecdsa-sha2-nistp256");
}

std::shared_ptr<crypto::Signer> new_rsa_key() {
  return std::make_shared<OpensslKey>(PrivateKey(EVP_RSA_gen(2048)), "rsa", "rsassa-pss-sha256");
}

}  // namespace cotter::sim
