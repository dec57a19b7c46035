// Public keys as metadata lists them, and signatures of each scheme: a key keeps its meaning when it is
// written and read again, nothing verifies under a key that the input's author does not hold, and OpenSSL's
// own reading of a PEM or a DER agrees with ours.
#define OPENSSL_SUPPRESS_DEPRECATED  // the second reading is by the functions that the first one leaves alone
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <memory>
#include <string>

#include "common/crypto/digest.h"
#include "common/crypto/free_by.h"
#include "common/crypto/public_key.h"
#include "common/crypto/secret.h"
#include "common/crypto/verify_openssl.h"
#include "common/json/strict_reader.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/program.h"
#include "tests/sim/openssl_key.h"

namespace cotter::fuzz {
namespace {

using crypto::FreeBy;
using crypto::Profile;
using crypto::PublicKey;
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free>>;
using Key = std::unique_ptr<EVP_PKEY, FreeBy<EVP_PKEY_free>>;
using DsaSignature = std::unique_ptr<ECDSA_SIG, FreeBy<ECDSA_SIG_free>>;

const Bytes kMessage = to_bytes("what was signed");

/// A KEY object of any kind, read in both profiles.
void key_object(ByteView text) {
  const auto value = json::read(text);
  if (!value) return;
  const auto strict = PublicKey::decode(*value, Profile::Vehicle);
  const auto loose = PublicKey::decode(*value, Profile::Tuf);
  // A key that verifies on a vehicle is the same key everywhere.
  if (strict && strict->scheme() != crypto::Scheme::Unsupported) {
    COTTER_ASSERT(loose && loose->material() == strict->material());
  }
  if (!loose) return;
  COTTER_ASSERT(loose->encode() == *value);
  COTTER_ASSERT(!loose->material().empty());
  COTTER_ASSERT(!loose->verifies(kMessage, {}));
}

std::string pem_of(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  COTTER_ASSERT(PEM_write_bio_PUBKEY(bio.get(), key) == 1);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

/// A PEM that we take, OpenSSL takes, and writes as one that we read as the same key.
void pem(std::string_view text) {
  const auto ours = crypto::read_public_pem(text);
  const auto pkcs1 = crypto::read_pkcs1_pem(text);
  COTTER_ASSERT(!(ours && pkcs1));
  COTTER_ASSERT(ERR_peek_error() == 0);
  // Nothing verifies under a key of another kind, and OpenSSL reads some of those that it cannot write.
  if (!ours || ours->kind == crypto::OpensslKey::Kind::Other) return;
  const Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  const Key theirs(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  COTTER_ASSERT(theirs != nullptr);
  const auto again = crypto::read_public_pem(pem_of(theirs.get()));
  COTTER_ASSERT(again && again->kind == ours->kind && again->material == ours->material);
}

using Number = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using NumberContext = std::unique_ptr<BN_CTX, FreeBy<BN_CTX_free>>;
using EcKey = std::unique_ptr<EC_KEY, FreeBy<EC_KEY_free>>;
using Point = std::unique_ptr<EC_POINT, FreeBy<EC_POINT_free>>;

constexpr BN_ULONG kSecret = 7;

/// P-256 with that secret number: the same in every run.
const Key& p256() {
  static const Key key = [] {
    EcKey pair(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
    const Number secret(BN_new());
    BN_set_word(secret.get(), kSecret);
    const EC_GROUP* group = EC_KEY_get0_group(pair.get());
    const Point point(EC_POINT_new(group));
    COTTER_ASSERT(EC_POINT_mul(group, point.get(), secret.get(), nullptr, nullptr, nullptr) == 1);
    COTTER_ASSERT(EC_KEY_set_public_key(pair.get(), point.get()) == 1);
    Key made(EVP_PKEY_new());
    COTTER_ASSERT(EVP_PKEY_assign_EC_KEY(made.get(), pair.release()) == 1);
    return made;
  }();
  return key;
}

/// With 1 for the number that should be random: r is the generator's x, s the digest + r * secret. The same
/// in every run, so that an input means the same in every run.
Bytes signed_by_p256() {
  const EC_GROUP* group = EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(p256().get()));
  const NumberContext context(BN_CTX_new());
  Number r(BN_new()), s(BN_new());
  EC_POINT_get_affine_coordinates(group, EC_GROUP_get0_generator(group), r.get(), nullptr, context.get());
  const Bytes digest = crypto::sha256(kMessage);
  const Number z(BN_bin2bn(digest.data(), static_cast<int>(digest.size()), nullptr));
  BN_copy(s.get(), r.get());
  BN_mul_word(s.get(), kSecret);
  BN_mod_add(s.get(), s.get(), z.get(), EC_GROUP_get0_order(group), context.get());
  const DsaSignature made(ECDSA_SIG_new());
  COTTER_ASSERT(ECDSA_SIG_set0(made.get(), r.release(), s.release()) == 1);
  unsigned char* raw = nullptr;
  const int size = i2d_ECDSA_SIG(made.get(), &raw);
  COTTER_ASSERT(size > 0);
  Bytes signature(raw, raw + size);
  OPENSSL_free(raw);
  return signature;
}

/// The verdict by hand: DER that is written as it was read, then the two numbers.
bool naive_ecdsa(ByteView signature) {
  const unsigned char* at = signature.data();
  const DsaSignature parsed(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size())));
  if (!parsed || at != signature.data() + signature.size()) return false;
  unsigned char* raw = nullptr;
  const int size = i2d_ECDSA_SIG(parsed.get(), &raw);
  const bool canonical =
      size >= 0 && std::ranges::equal(ByteView(raw, static_cast<std::size_t>(size)), signature);
  OPENSSL_free(raw);
  if (!canonical) return false;
  const Bytes digest = crypto::sha256(kMessage);
  const EC_KEY* key = EVP_PKEY_get0_EC_KEY(p256().get());
  return ECDSA_do_verify(digest.data(), static_cast<int>(digest.size()), parsed.get(),
                         const_cast<EC_KEY*>(key)) == 1;
}

/// A good signature with one piece of it cut out and another put there, or one of the input's own.
void ecdsa_signature(Program& program) {
  static const PublicKey ours =
      *PublicKey::decode(json::Object{{"keytype", "ecdsa"},
                                      {"keyval", json::Object{{"public", pem_of(p256().get())}}},
                                      {"scheme", "ecdsa-sha2-nistp256"}},
                         Profile::Vehicle);
  static const Bytes good = signed_by_p256();
  COTTER_ASSERT(ours.verifies(kMessage, good));
  Bytes signature = good;
  if (program.flag()) signature.clear();
  const std::size_t from = program.below(signature.size() + 1);
  const std::size_t removed = std::min(program.below(80), signature.size() - from);
  const auto at = signature.erase(signature.begin() + static_cast<std::ptrdiff_t>(from),
                                  signature.begin() + static_cast<std::ptrdiff_t>(from + removed));
  const ByteView put = program.rest();
  signature.insert(at, put.begin(), put.end());
  const bool verifies = ours.verifies(kMessage, signature);
  COTTER_ASSERT(verifies == naive_ecdsa(signature));
  ERR_clear_error();
}

/// Keys that were made in this process and go with it: nobody signs for them.
void foreign_signature(ByteView signature) {
  static const PublicKey ed25519 = PublicKey::ed25519(crypto::Ed25519Pair::generate().public_key);
  static const std::shared_ptr<crypto::Signer> rsa = sim::new_rsa_key();
  COTTER_ASSERT(!ed25519.verifies(kMessage, signature));
  COTTER_ASSERT(!rsa->public_key().verifies(kMessage, signature));
}

}  // namespace

void one(ByteView input) {
  Program program(input);
  switch (program.below(4)) {
    case 0:
      return key_object(program.rest());
    case 1:
      return pem(as_text(program.rest()));
    case 2:
      return ecdsa_signature(program);
    default:
      return foreign_signature(program.rest());
  }
}

}  // namespace cotter::fuzz
