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
  OpensslKey(PrivateKey key, const std::string& keytype, std::string scheme)
      : key_(std::move(key)), public_key_(decoded(key_.get(), keytype, scheme)), scheme_(std::move(scheme)) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return public_key_; }

  Result<crypto::Signature> sign(ByteView message) override {
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    EVP_PKEY_CTX* options = nullptr;
    const Bytes prefixed = is_post_quantum() ? crypto::post_quantum_input(message) : Bytes();
    if (is_post_quantum()) message = prefixed;
    COTTER_ASSERT(EVP_DigestSignInit(context.get(), &options, digest(), nullptr, key_.get()) == 1);
    if (scheme_.starts_with("rsassa-pss")) {
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
  [[nodiscard]] bool is_post_quantum() const {
    return crypto::post_quantum_name(public_key_.scheme()) != nullptr;
  }
  [[nodiscard]] const EVP_MD* digest() const {
    if (is_post_quantum()) return nullptr;
    if (scheme_.ends_with("384")) return EVP_sha384();
    return scheme_.ends_with("512") ? EVP_sha512() : EVP_sha256();
  }
  static crypto::PublicKey decoded(EVP_PKEY* key, const std::string& keytype, const std::string& scheme) {
    const json::Value value = json::Object{
        {"keytype", keytype}, {"scheme", scheme}, {"keyval", json::Object{{"public", public_pem(key)}}}};
    auto decoded = crypto::PublicKey::decode(value, crypto::Profile::Tuf);
    COTTER_ASSERT(decoded);
    return std::move(*decoded);
  }
  PrivateKey key_;
  crypto::PublicKey public_key_;
  std::string scheme_;
};

}  // namespace

std::shared_ptr<crypto::Signer> new_openssl_key(const std::string& keytype, const std::string& scheme) {
  const crypto::KnownScheme* known = crypto::scheme_named(scheme);
  const char* post_quantum = known == nullptr ? nullptr : known->post_quantum;
  PrivateKey key(post_quantum != nullptr        ? EVP_PKEY_Q_keygen(nullptr, nullptr, post_quantum)
                 : scheme.starts_with("rsa")    ? EVP_RSA_gen(2048)
                 : scheme.ends_with("nistp384") ? EVP_EC_gen("P-384")
                                                : EVP_EC_gen("P-256"));
  return std::make_shared<OpensslKey>(std::move(key), keytype, scheme);
}

std::shared_ptr<crypto::Signer> new_ecdsa_key() { return new_openssl_key("ecdsa", "ecdsa-sha2-nistp256"); }

std::shared_ptr<crypto::Signer> new_rsa_key() { return new_openssl_key("rsa", "rsassa-pss-sha256"); }

}  // namespace cotter::sim
