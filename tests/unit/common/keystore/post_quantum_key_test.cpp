// Post-quantum keys in files: made, sealed and used where OpenSSL has the schemes, refused in plain words
// where it does not.
#include <gtest/gtest.h>
#include <openssl/crypto.h>
#include <openssl/pem.h>

#include <fstream>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/keystore/file_keystore.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/keystore_kit.h"
#include "tests/unit/common/vectors.h"

namespace cotter::keystore {
namespace {

using crypto::Scheme;
using test::kCheap;
using test::kMade;

crypto::Secret passphrase() {
  Bytes bytes = to_bytes("holder-pass");
  return crypto::Secret::taking(bytes);
}
bool says(const Error& error, const std::string& what) {
  return explain(error).find(what) != std::string::npos;
}

class PostQuantumKey : public testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path dir() const { return temp_.path() / "holder"; }
  Result<FileKeystore> create() { return FileKeystore::create(dir(), passphrase(), kCheap); }

 private:
  sim::TempDir temp_;
};

// So that what is skipped on one machine is known to run on another.
TEST(PostQuantumSchemes, AreThereWithOpenssl35) {
  const bool expected = OpenSSL_version_num() >= 0x30500000UL;
  for (const Scheme scheme :
       {Scheme::MlDsa44, Scheme::MlDsa65, Scheme::MlDsa87, Scheme::SlhDsaSha2Small128}) {
    EXPECT_EQ(crypto::is_supported(scheme), expected) << crypto::name_of(scheme);
  }
}

TEST_F(PostQuantumKey, SignsAfterItsFileWasOpenedAnew) {
  if (!crypto::is_supported(Scheme::MlDsa65)) GTEST_SKIP() << "not in this OpenSSL";
  for (const char* name : {"ml-dsa-44", "ml-dsa-65", "ml-dsa-87", "slh-dsa-sha2-128s"}) {
    std::filesystem::remove_all(dir());
    const auto scheme = signing_scheme(name);
    ASSERT_TRUE(scheme) << explain(scheme.error());
    EXPECT_EQ(crypto::name_of(*scheme), std::string(name) + "/1");
    const auto made = create()->generate("root-1", "image/root", kMade, *scheme);
    ASSERT_TRUE(made) << explain(made.error());
    const auto signer = FileKeystore::open(dir(), passphrase())->signer("root-1");
    ASSERT_TRUE(signer) << explain(signer.error());
    const auto signature = (*signer)->sign(as_bytes("message"));
    ASSERT_TRUE(signature) << explain(signature.error());
    EXPECT_EQ(signature->keyid, made->id);
    const crypto::PublicKey key = list_keys(dir())->at(0).key;
    EXPECT_EQ(key.scheme(), *scheme);
    EXPECT_TRUE(key.verifies(as_bytes("message"), signature->bytes)) << name;
    EXPECT_FALSE(key.verifies(as_bytes("massage"), signature->bytes)) << name;
  }
}

TEST_F(PostQuantumKey, OfAnotherToolIsTakenIn) {
  if (!crypto::is_supported(Scheme::MlDsa65)) GTEST_SKIP() << "not in this OpenSSL";
  const OpensslKey theirs(EVP_PKEY_Q_keygen(nullptr, nullptr, "ML-DSA-65"));
  const std::unique_ptr<BIO, crypto::FreeBy<BIO_free_all>> memory(BIO_new(BIO_s_mem()));
  ASSERT_EQ(PEM_write_bio_PrivateKey(memory.get(), theirs.get(), nullptr, nullptr, 0, nullptr, nullptr), 1);
  char* pem = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(memory.get(), &pem));
  const auto key = read_private_pem({pem, size}, nullptr);
  ASSERT_TRUE(key) << explain(key.error());
  auto store = create();
  const auto added = store->add("root-1", "", kMade, **key);
  ASSERT_TRUE(added) << explain(added.error());
  const auto signature = (*store->signer("root-1"))->sign(as_bytes("message"));
  EXPECT_TRUE(public_key_of(*theirs)->verifies(as_bytes("message"), signature->bytes));
}

TEST_F(PostQuantumKey, IsRefusedInPlainWordsWhereOpensslLacksIt) {
  if (crypto::is_supported(Scheme::MlDsa65)) GTEST_SKIP() << "this OpenSSL has it";
  for (const char* name : {"ml-dsa-65", "ml-dsa-65/1", "slh-dsa-sha2-128s"}) {
    const auto scheme = signing_scheme(name);
    ASSERT_FALSE(scheme);
    EXPECT_TRUE(is_fault(scheme.error(), Fault::Kind::Usage));
    EXPECT_TRUE(says(scheme.error(), "not supported by this OpenSSL")) << explain(scheme.error());
  }
  const auto made = create()->generate("root-1", "", kMade, Scheme::MlDsa65);
  ASSERT_FALSE(made);
  EXPECT_TRUE(says(made.error(), "not supported by this OpenSSL")) << explain(made.error());
  EXPECT_FALSE(std::filesystem::exists(dir() / "root-1.key"));
}

// A folder that came from a newer machine: nothing is damaged, so nobody is sent to a backup.
TEST_F(PostQuantumKey, InAFileIsListedAndSignsNothingWhereOpensslLacksIt) {
  if (crypto::is_supported(Scheme::MlDsa44)) GTEST_SKIP() << "this OpenSSL has it";
  auto store = create();
  const auto made = store->generate("root-1", "", kMade);
  ASSERT_TRUE(made);
  ASSERT_TRUE(store->generate("root-2", "", kMade));
  const auto listed = crypto::PublicKey::decode(
      *test::cases_of("post_quantum.json").front().as_object()->find("key"), crypto::Profile::Vehicle);
  std::ifstream in(made->file);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  json::Object document = *json::read(as_bytes(text))->as_object();
  document.set("key", listed->encode());
  document.set("keyid", listed->computed_id().value());
  std::ofstream(made->file, std::ios::trunc) << json::to_pretty_text(document);
  const auto keys = list_keys(dir());
  ASSERT_TRUE(keys) << explain(keys.error());
  EXPECT_EQ(keys->at(0).id, listed->computed_id());
  const auto signer = store->signer("root-1");
  ASSERT_FALSE(signer);
  EXPECT_TRUE(is_fault(signer.error(), Fault::Kind::Usage)) << explain(signer.error());
  EXPECT_TRUE(says(signer.error(), "not supported by this OpenSSL")) << explain(signer.error());
  const auto other = store->signer("root-2");
  EXPECT_TRUE(other) << "a key beside it went with it: " << explain(other.error());
}

TEST(SigningSchemes, AreListedToWhoeverNamesAnother) {
  const auto scheme = signing_scheme("dsa");
  ASSERT_FALSE(scheme);
  EXPECT_EQ(std::get<Fault>(scheme.error()).hint,
            "use one of ed25519, ecdsa-sha2-nistp256, rsassa-pss-sha256, ml-dsa-44, ml-dsa-65, ml-dsa-87, "
            "slh-dsa-sha2-128s");
  EXPECT_FALSE(signing_scheme("ecdsa-sha2-nistp384"));
  EXPECT_FALSE(signing_scheme("ed25519/1"));
}

}  // namespace
}  // namespace cotter::keystore
