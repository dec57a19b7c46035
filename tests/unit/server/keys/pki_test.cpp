#include "server/keys/pki.h"

#include <gtest/gtest.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "common/host/atomic_file.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/keystore_kit.h"
#include "tests/unit/server/keys/csr.h"

namespace cotter::keys {
namespace {

namespace fs = std::filesystem;
using test::secret;

constexpr std::chrono::seconds kYear = std::chrono::days(365);

UtcTime now() { return UtcTime(std::chrono::seconds(::time(nullptr))); }

std::string content_of(const fs::path& file) {
  const auto bytes = host::read_file(file, 65536);
  return bytes ? std::string(as_text(*bytes)) : std::string();
}

CertificateHandle certificate(const std::string& pem) { return *read_certificate(pem, "test"); }

/// Whether a peer that trusts `ca` alone takes it for this purpose at this time.
bool is_trusted(X509* ca, X509* leaf, int purpose, UtcTime when) {
  X509_STORE* store = X509_STORE_new();
  X509_STORE_add_cert(store, ca);
  X509_STORE_CTX* context = X509_STORE_CTX_new();
  X509_STORE_CTX_init(context, store, leaf, nullptr);
  X509_STORE_CTX_set_purpose(context, purpose);
  X509_STORE_CTX_set_time(context, 0, when.time_since_epoch().count());
  const bool trusted = X509_verify_cert(context) == 1;
  X509_STORE_CTX_free(context);
  X509_STORE_free(store);
  return trusted;
}

std::string common_name(X509* leaf) {
  char text[128] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(leaf), NID_commonName, text, sizeof text);
  return text;
}

class Pki : public testing::Test {
 protected:
  void SetUp() override {
    const auto made = create_pki(dir(), secret("online-pass"), {"ota.example.org", "192.0.2.7"}, now());
    ASSERT_TRUE(made) << summary(made.error());
  }
  [[nodiscard]] fs::path dir() const { return temp_.path() / "pki"; }
  [[nodiscard]] CertificateHandle ca() const { return certificate(content_of(dir() / "ca.crt")); }
  [[nodiscard]] Result<std::string> issue(const std::string& csr_pem, const std::string& vin = "VIN1",
                                          const std::string& passphrase = "online-pass") const {
    return issue_device_certificate(dir(), secret(passphrase), VehicleId(vin), csr_pem, now());
  }

 private:
  sim::TempDir temp_;
};

TEST_F(Pki, ServerCertificateNamesLoopbackAndWhatWasAskedFor) {
  const CertificateHandle server = certificate(content_of(dir() / "server.crt"));
  EXPECT_TRUE(is_trusted(ca().get(), server.get(), X509_PURPOSE_SSL_SERVER, now()));
  EXPECT_FALSE(is_trusted(ca().get(), server.get(), X509_PURPOSE_SSL_CLIENT, now()));
  for (const char* host : {"localhost", "ota.example.org"}) {
    EXPECT_EQ(X509_check_host(server.get(), host, 0, 0, nullptr), 1) << host;
  }
  for (const char* address : {"127.0.0.1", "::1", "192.0.2.7"}) {
    EXPECT_EQ(X509_check_ip_asc(server.get(), address, 0), 1) << address;
  }
  EXPECT_NE(X509_check_host(server.get(), "example.org", 0, 0, nullptr), 1);
}

TEST_F(Pki, LifetimesAreSane) {
  const CertificateHandle server = certificate(content_of(dir() / "server.crt"));
  EXPECT_TRUE(is_trusted(ca().get(), server.get(), X509_PURPOSE_SSL_SERVER, now() + kYear));
  EXPECT_FALSE(
      is_trusted(ca().get(), server.get(), X509_PURPOSE_SSL_SERVER, now() + kServerLifetime + kYear));
  EXPECT_FALSE(is_trusted(ca().get(), server.get(), X509_PURPOSE_SSL_SERVER, now() - kYear));
}

TEST_F(Pki, PrivateKeysAreEncryptedAndTheOwnersAlone) {
  for (const char* name : {"ca.key", "server.key"}) {
    EXPECT_EQ(content_of(dir() / name).find("-----BEGIN ENCRYPTED PRIVATE KEY-----"), 0U) << name;
    struct stat status {};
    ASSERT_EQ(::stat((dir() / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777U, 0600U) << name;
  }
  struct stat status {};
  ASSERT_EQ(::stat(dir().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
}

TEST_F(Pki, DeviceCertificateSaysTheVehicleAndNothingTheRequestSays) {
  const KeyHandle key = *make_key();
  const auto pem = issue(test::csr(key.get(), key.get(), "VIN2"));
  ASSERT_TRUE(pem) << summary(pem.error());
  const CertificateHandle device = certificate(*pem);
  EXPECT_EQ(common_name(device.get()), "VIN1");
  EXPECT_TRUE(is_trusted(ca().get(), device.get(), X509_PURPOSE_SSL_CLIENT, now()));
  EXPECT_FALSE(is_trusted(ca().get(), device.get(), X509_PURPOSE_SSL_SERVER, now()))
      << "no vehicle poses as the server";
  EXPECT_EQ(X509_check_ca(device.get()), 0);
  EXPECT_EQ(X509_check_private_key(device.get(), key.get()), 1);
}

TEST_F(Pki, SerialNumbersDiffer) {
  const KeyHandle key = *make_key();
  const std::string request = test::csr(key.get(), key.get());
  const CertificateHandle one = certificate(*issue(request));
  const CertificateHandle two = certificate(*issue(request));
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(one.get()), X509_get0_serialNumber(two.get())), 0);
}

TEST_F(Pki, RequestWithoutProofOfPossessionIsDenied) {
  const KeyHandle mine = *make_key();
  const KeyHandle theirs = *make_key();
  const auto pem = issue(test::csr(theirs.get(), mine.get()));
  ASSERT_FALSE(pem);
  EXPECT_TRUE(is_fault(pem.error(), Fault::Kind::Denied));
}

TEST_F(Pki, WeakKeyIsDeniedAndGoodKindsAreTaken) {
  const KeyHandle small(EVP_RSA_gen(1024U));
  const KeyHandle large(EVP_RSA_gen(2048U));
  const KeyHandle edwards(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  const KeyHandle odd_curve(EVP_EC_gen("secp256k1"));
  EXPECT_TRUE(is_fault(issue(test::csr(small.get(), small.get())).error(), Fault::Kind::Denied));
  EXPECT_TRUE(is_fault(issue(test::csr(odd_curve.get(), odd_curve.get())).error(), Fault::Kind::Denied));
  EXPECT_TRUE(issue(test::csr(large.get(), large.get())));
  EXPECT_TRUE(issue(test::csr(edwards.get(), edwards.get())));
}

TEST_F(Pki, WhatIsNoRequestIsUsage) {
  const KeyHandle key = *make_key();
  std::string cut = test::csr(key.get(), key.get());
  cut.resize(cut.size() / 2);
  for (const std::string& text :
       {std::string(), std::string("hello"), cut, std::string(100'000, 'A'), content_of(dir() / "ca.crt")}) {
    const auto pem = issue(text);
    ASSERT_FALSE(pem);
    EXPECT_TRUE(is_fault(pem.error(), Fault::Kind::Usage)) << summary(pem.error());
  }
}

TEST_F(Pki, VehicleIdThatNoCertificateCanCarryIsUsage) {
  const KeyHandle key = *make_key();
  const std::string request = test::csr(key.get(), key.get());
  for (const std::string& vin :
       {std::string(), std::string("a/b"), std::string("a b"), std::string(65, 'V')}) {
    EXPECT_TRUE(is_fault(issue(request, vin).error(), Fault::Kind::Usage)) << vin;
  }
  EXPECT_TRUE(issue(request, std::string(64, 'V')));
}

TEST_F(Pki, WrongPassphraseIsDeniedAndDamageIsToldApart) {
  const KeyHandle key = *make_key();
  const std::string request = test::csr(key.get(), key.get());
  const auto wrong = issue(request, "VIN1", "other-pass");
  ASSERT_FALSE(wrong);
  EXPECT_TRUE(is_fault(wrong.error(), Fault::Kind::Denied));
  EXPECT_NE(summary(wrong.error()).find("wrong passphrase"), std::string::npos);

  const std::string whole = content_of(dir() / "ca.key");
  ASSERT_TRUE(host::write_atomically(dir() / "ca.key", as_bytes(whole).first(whole.size() / 2)));
  EXPECT_TRUE(is_fault(issue(request).error(), Fault::Kind::Io));
  ASSERT_TRUE(host::write_atomically(dir() / "ca.key", as_bytes(content_of(dir() / "server.key"))));
  EXPECT_TRUE(is_fault(issue(request).error(), Fault::Kind::Io)) << "a key of another certificate";
}

TEST_F(Pki, IsNeverMadeTwiceInOneFolder) {
  const std::string before = content_of(dir() / "ca.key");
  EXPECT_TRUE(is_fault(create_pki(dir(), secret("x"), {}, now()).error(), Fault::Kind::Conflict));
  EXPECT_EQ(content_of(dir() / "ca.key"), before);
}

TEST(PkiNames, NameThatWouldSmuggleInAnotherIsUsage) {
  const sim::TempDir temp;
  for (const char* name :
       {"", "a,DNS:bank.example", "a b", "*.example.org", "-a", ".a", "a..b", "email:x", "::1::"}) {
    const auto made = create_pki(temp.path() / "pki", secret("online-pass"), {name}, now());
    ASSERT_FALSE(made) << name;
    EXPECT_TRUE(is_fault(made.error(), Fault::Kind::Usage));
  }
  EXPECT_TRUE(fs::is_empty(temp.path()));
}

}  // namespace
}  // namespace cotter::keys
