// Keys in a TPM, against swtpm. KEY-2.
#include "common/keystore/tpm_key.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "common/keystore/key_folder.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/keystore_kit.h"
#include "tests/world/soft_tpm.h"

namespace cotter::keystore {
namespace {

using test::answers;
using test::kMade;

class KeysInATpm : public testing::Test {
 protected:
  void SetUp() override {
    auto started = world::SoftTpm::start(chip());
    ASSERT_TRUE(started) << "no swtpm: is the package installed?";
    tpm_.emplace(*std::move(started));
    // As many tries as chips have.
    const auto set =
        tpm_->tool("tpm2_dictionarylockout", {"--setup-parameters", "--max-tries=8", "--recovery-time=1000"});
    ASSERT_TRUE(set) << summary(set.error());
  }
  [[nodiscard]] std::filesystem::path chip() const {
    std::filesystem::create_directories(dir_.path() / "chip");
    return dir_.path() / "chip";
  }
  [[nodiscard]] std::filesystem::path folder() const { return dir_.path() / "keys"; }
  [[nodiscard]] std::string store() const { return "tpm:" + tpm_->tcti(); }
  [[nodiscard]] Tpm tpm(const std::string& pin, bool attended = true) const {
    return Tpm(*TpmName::parse(store()), answers(pin, attended));
  }
  [[nodiscard]] int wrong_tries() const {
    const std::string said = tpm_->tool("tpm2_getcap", {"properties-variable"}).value();
    const auto at = said.find("TPM2_PT_LOCKOUT_COUNTER: ");
    return std::stoi(said.substr(at + 25), nullptr, 16);
  }

  [[nodiscard]] Result<KeyInfo> generated(const std::string& in, const NewKey& key) const {
    return TRY(TpmKeys::open(folder(), in, answers("1234"))).generate(key);
  }

  sim::TempDir dir_;
  std::optional<world::SoftTpm> tpm_;
};

TEST_F(KeysInATpm, SignWhatTheirPublicHalfVerifies) {
  Tpm made_in = tpm("1234");
  const auto key = made_in.generate();
  ASSERT_TRUE(key) << summary(key.error());
  EXPECT_EQ(key->public_key.scheme(), crypto::Scheme::EcdsaP256);
  for (int i = 0; i < 5; ++i) {  // more often than a TPM has room for keys
    const auto signature = made_in.sign(key->wrapped, key->public_key, as_bytes("message"));
    ASSERT_TRUE(signature) << summary(signature.error());
    EXPECT_TRUE(key->public_key.verifies(as_bytes("message"), *signature));
  }
}

TEST_F(KeysInATpm, SignInAnotherProcessAndAfterThePowerWasOff) {
  const auto key = tpm("1234").generate();
  ASSERT_TRUE(key);
  tpm_.reset();
  tpm_.emplace(*world::SoftTpm::start(chip()));
  const auto signature = tpm("1234").sign(key->wrapped, key->public_key, as_bytes("message"));
  EXPECT_TRUE(signature) << summary(signature.error());
}

TEST_F(KeysInATpm, AreOfNoUseToAnotherTpm) {
  const auto key = tpm("1234").generate();
  ASSERT_TRUE(key);
  tpm_.reset();
  std::filesystem::remove_all(chip());
  tpm_.emplace(*world::SoftTpm::start(chip()));
  const auto signature = tpm("1234").sign(key->wrapped, key->public_key, as_bytes("message"));
  ASSERT_FALSE(signature);
  EXPECT_TRUE(is_fault(signature.error(), Fault::Kind::Io)) << summary(signature.error());
}

TEST_F(KeysInATpm, AreNeverTriedTwiceWithAWrongPin) {
  const auto key = tpm("1234").generate();
  ASSERT_TRUE(key);
  Tpm wrong = tpm("4321");
  for (int i = 0; i < 3; ++i) {
    const auto signature = wrong.sign(key->wrapped, key->public_key, as_bytes("message"));
    ASSERT_FALSE(signature);
    EXPECT_TRUE(is_fault(signature.error(), Fault::Kind::Denied)) << summary(signature.error());
    EXPECT_NE(summary(signature.error()).find("wrong PIN"), std::string::npos) << summary(signature.error());
  }
  EXPECT_EQ(wrong_tries(), 1);
}

TEST_F(KeysInATpm, AreLeftAloneByAServiceHalfWayToTheLock) {
  const auto key = tpm("1234").generate();
  ASSERT_TRUE(key);
  for (int start = 0; start < 10; ++start) {
    Tpm service = tpm("4321", false);
    EXPECT_FALSE(service.sign(key->wrapped, key->public_key, as_bytes("message")));
  }
  EXPECT_EQ(wrong_tries(), 4);
  EXPECT_TRUE(tpm("1234").sign(key->wrapped, key->public_key, as_bytes("message"))) << "a person may";
}

// However often it starts, and until somebody has put the PIN right.
TEST_F(KeysInATpm, AreTriedOnceByAServiceThatStartsAgainAndAgain) {
  ASSERT_TRUE(generated(store(), {"image-snapshot", "image/snapshot", {}, kMade}));
  const auto start = [&](const std::string& pin, bool attended = false) {
    auto keys = KeyFolder::open(folder(), {{}, answers(pin, attended)}).value();
    return keys.signer("image-snapshot").value()->sign(as_bytes("message"));
  };
  const auto first = start("4321");
  ASSERT_FALSE(first);
  EXPECT_NE(summary(first.error()).find("wrong PIN"), std::string::npos) << summary(first.error());
  for (int again = 0; again < 9; ++again) {
    const auto refused = start("4321");
    ASSERT_FALSE(refused);
    EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
    EXPECT_NE(summary(refused.error()).find("it is not tried again"), std::string::npos);
  }
  EXPECT_EQ(wrong_tries(), 1);
  EXPECT_FALSE(start("4322")) << "another one is tried";
  EXPECT_EQ(wrong_tries(), 2);
  EXPECT_TRUE(start("1234")) << "and the right one taken";
  EXPECT_FALSE(start("4321"));
  EXPECT_TRUE(start("1234", true));
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder()))
    files.push_back(entry.path().filename().string());
  EXPECT_EQ(files, (std::vector<std::string>{"image-snapshot.key"})) << "nothing is held against it any more";
}

TEST_F(KeysInATpm, LeaveNoPinInWhatIsRememberedOfIt) {
  ASSERT_TRUE(generated(store(), {"image-snapshot", "image/snapshot", {}, kMade}));
  auto keys = KeyFolder::open(folder(), {{}, answers("87654321", false)}).value();
  EXPECT_FALSE(keys.signer("image-snapshot").value()->sign(as_bytes("message")));
  int marks = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder())) {
    if (!entry.path().filename().string().starts_with("wrong-pin-")) continue;
    ++marks;
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms(0600));
    std::ifstream file(entry.path());
    const std::string content((std::istreambuf_iterator<char>(file)), {});
    EXPECT_TRUE(content.starts_with("$argon2id$")) << content;
    EXPECT_EQ(content.find("87654321"), std::string::npos);
  }
  EXPECT_EQ(marks, 1);
}

TEST_F(KeysInATpm, BehindALockSayHowItOpens) {
  const auto key = tpm("1234").generate();
  ASSERT_TRUE(key);
  for (int i = 0; i < 8; ++i)
    EXPECT_FALSE(tpm("4321").sign(key->wrapped, key->public_key, as_bytes("message")));
  const auto locked = tpm("1234").sign(key->wrapped, key->public_key, as_bytes("message"));
  ASSERT_FALSE(locked);
  EXPECT_TRUE(is_fault(locked.error(), Fault::Kind::Denied)) << summary(locked.error());
}

TEST_F(KeysInATpm, WaitForATpmThatIsBusyWithoutLosingTheirPin) {
  const std::filesystem::path busy = dir_.path() / "busy";
  const std::string store = std::string("tpm:cmd:") + BUSY_TPM + " " + tpm_->tcti() + " " + busy.string();
  Tpm shared(*TpmName::parse(store), answers("1234"));
  const auto key = shared.generate();
  ASSERT_TRUE(key) << summary(key.error());
  std::ofstream(busy) << "";
  for (int i = 0; i < 3; ++i) {
    const auto signature = shared.sign(key->wrapped, key->public_key, as_bytes("message"));
    ASSERT_FALSE(signature);
    EXPECT_TRUE(is_fault(signature.error(), Fault::Kind::Busy)) << summary(signature.error());
  }
  std::filesystem::remove(busy);
  EXPECT_TRUE(shared.sign(key->wrapped, key->public_key, as_bytes("message"))) << "it has time again";
  EXPECT_EQ(wrong_tries(), 0);
}

TEST_F(KeysInATpm, WithoutATpmAreAFault) {
  const auto key = tpm("1234").generate();
  ASSERT_TRUE(key);
  Tpm gone = tpm("1234");
  tpm_.reset();
  const auto signature = gone.sign(key->wrapped, key->public_key, as_bytes("message"));
  ASSERT_FALSE(signature);
  EXPECT_TRUE(is_fault(signature.error(), Fault::Kind::Io)) << summary(signature.error());
}

TEST_F(KeysInATpm, StandInAFolderAndComeFromItsRecord) {
  std::ofstream(dir_.path() / "pin") << "1234\n";
  const std::string with_pin = store() + "?pin-source=file:" + (dir_.path() / "pin").string();
  const auto key = generated(with_pin, {"image-snapshot", "image/snapshot", {}, kMade});
  ASSERT_TRUE(key) << summary(key.error());
  EXPECT_EQ(pin_source_of(key->store), dir_.path() / "pin");
  auto keys = KeyFolder::open(folder(), {});
  ASSERT_TRUE(keys) << summary(keys.error());
  const auto signer = keys->signer("image-snapshot");
  ASSERT_TRUE(signer) << summary(signer.error());
  const auto signature = (*signer)->sign(as_bytes("message"));
  ASSERT_TRUE(signature) << summary(signature.error());
  EXPECT_TRUE(key->key.verifies(as_bytes("message"), signature->bytes));
  EXPECT_TRUE(is_fault(generated(store(), {"image-snapshot", "", {}, kMade}).error(), Fault::Kind::Conflict));
  EXPECT_TRUE(
      is_fault(generated(store(), {"x", "", crypto::Scheme::Ed25519, kMade}).error(), Fault::Kind::Usage));
}

TEST(TpmName, IsADeviceUnlessItSaysAnother) {
  EXPECT_EQ(TpmName::parse("tpm")->tcti, "device:/dev/tpmrm0");
  EXPECT_EQ(TpmName::parse("tpm:swtpm:port=1")->tcti, "swtpm:port=1");
  for (const char* bad : {"tpm:", "tmp", "", "tpm?pin-value=1", "tpm:x?y", "tpm?pin-source=file:relative"}) {
    EXPECT_FALSE(TpmName::parse(bad)) << bad;
  }
}

}  // namespace
}  // namespace cotter::keystore
