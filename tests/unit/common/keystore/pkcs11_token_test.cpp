// Keys on PKCS #11 tokens, against SoftHSM 2. KEY-2, KEY-9.
#include "common/keystore/pkcs11_token.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/host/atomic_file.h"
#include "common/keystore/key_folder.h"
#include "common/keystore/openssl_key.h"
#include "tests/sim/small_disk.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/keystore_kit.h"
#include "tests/world/process.h"
#include "tests/world/soft_token.h"

namespace cotter::keystore {
namespace {

namespace fs = std::filesystem;
using crypto::Scheme;
using test::answers;
using test::kMade;
using test::secret;
using world::SoftTokens;

constexpr const char* kSpy = "/usr/lib/x86_64-linux-gnu/pkcs11-spy.so";

AskPin nobody() {
  return {[](const std::string&) -> Result<crypto::Secret> {
            ADD_FAILURE() << "a PIN was asked for";
            return secret("none");
          },
          true};
}

class Tokens : public testing::Test {
 protected:
  void SetUp() override {
    const auto added = tokens_.add("holder");
    ASSERT_TRUE(added) << summary(added.error()) << ": is softhsm2 installed?";
  }
  /// The same module with a witness before it, that writes down every call (of OpenSC).
  [[nodiscard]] std::string watched(const std::string& label) {
    ::setenv("PKCS11SPY", SoftTokens::kModule, 1);
    ::setenv("PKCS11SPY_OUTPUT", witness().c_str(), 1);
    std::string module = kSpy;
    if (!fs::exists(module)) module = "/usr/lib/aarch64-linux-gnu/pkcs11-spy.so";
    return "pkcs11:token=" + label + "?module-path=" + module;
  }
  /// It keeps the first file that it is given, for as long as the process lives.
  [[nodiscard]] static fs::path witness() {
    static const sim::TempDir dir;
    return dir.path() / "calls";
  }
  [[nodiscard]] static int calls(const std::string& name) {
    std::ifstream in(witness());
    int count = 0;
    for (std::string line; std::getline(in, line);) count += line.ends_with(": " + name) ? 1 : 0;
    return count;
  }
  [[nodiscard]] fs::path folder() const { return dir_.path() / "keys"; }

  Result<Pkcs11Token::Key> made(std::optional<Scheme> scheme = std::nullopt) {
    token_ = TRY(Pkcs11Token::find(tokens_.uri("holder"), answers(SoftTokens::kPin)));
    return token_->generate("brakes", scheme);
  }

  Result<KeyInfo> generated(const NewKey& key, const fs::path& dir) {
    return TRY(TokenKeys::open(dir, tokens_.uri("holder"), answers(SoftTokens::kPin))).generate(key);
  }
  Result<KeyInfo> generated(const NewKey& key) { return generated(key, folder()); }

  sim::TempDir dir_;
  SoftTokens tokens_{dir_.path() / "softhsm"};
  std::shared_ptr<Pkcs11Token> token_;
};

TEST_F(Tokens, SignWithAKeyOfEachScheme) {
  for (const Scheme scheme : {Scheme::Ed25519, Scheme::EcdsaP256, Scheme::RsaPssSha256}) {
    const std::string label(crypto::name_of(scheme));
    const auto token = *Pkcs11Token::find(tokens_.uri("holder"), answers(SoftTokens::kPin));
    const auto key = token->generate(label, scheme);
    ASSERT_TRUE(key) << label << ": " << summary(key.error());
    EXPECT_EQ(key->public_key.scheme(), scheme);
    const auto signature = token->sign(key->uri, key->public_key, as_bytes("message"));
    ASSERT_TRUE(signature) << summary(signature.error());
    EXPECT_TRUE(key->public_key.verifies(as_bytes("message"), *signature));
    EXPECT_FALSE(key->public_key.verifies(as_bytes("massage"), *signature));
  }
}

TEST_F(Tokens, MakeEd25519WhereNobodyWishesAnythingElse) {
  const auto key = made();
  ASSERT_TRUE(key) << summary(key.error());
  EXPECT_EQ(key->public_key.scheme(), Scheme::Ed25519);
}

TEST_F(Tokens, NeverGiveThePrivateHalfAway) {
  ASSERT_TRUE(made());
  const auto listed = tokens_.tool("holder", {"--list-objects", "--type", "privkey"});
  ASSERT_TRUE(listed) << summary(listed.error());
  EXPECT_NE(listed->find("never extractable"), std::string::npos) << *listed;
  EXPECT_NE(listed->find("sensitive"), std::string::npos);
}

TEST_F(Tokens, SignAgainInAnotherProcessesSession) {
  const auto key = made();
  ASSERT_TRUE(key);
  token_.reset();
  const auto token = Pkcs11Token::find(key->uri, answers(SoftTokens::kPin));
  ASSERT_TRUE(token) << summary(token.error());
  EXPECT_TRUE((*token)->sign(key->uri, key->public_key, as_bytes("message")));
  EXPECT_NE(key->uri.find("module-path"), std::string::npos) << key->uri;
}

TEST_F(Tokens, AreFoundAmongAllModulesOfThisMachine) {
  const auto token = Pkcs11Token::find("pkcs11:token=holder", answers(SoftTokens::kPin));
  ASSERT_TRUE(token) << summary(token.error());
  EXPECT_TRUE((*token)->generate("brakes", std::nullopt));
}

TEST_F(Tokens, TakeThePinFromTheFileThatTheUriNames) {
  std::ofstream(dir_.path() / "pin") << SoftTokens::kPin << "\n";
  const std::string uri = tokens_.uri("holder", (dir_.path() / "pin").string());
  const auto token = Pkcs11Token::find(uri, nobody());
  ASSERT_TRUE(token);
  const auto key = (*token)->generate("brakes", std::nullopt);
  ASSERT_TRUE(key) << summary(key.error());
  EXPECT_NE(key->uri.find("pin-source"), std::string::npos) << key->uri;
  EXPECT_EQ(key->uri.find(SoftTokens::kPin), std::string::npos);
}

TEST_F(Tokens, AreNeverAskedTwiceWithAWrongPin) {
  const auto key = made();
  ASSERT_TRUE(key);
  token_.reset();
  const int before = calls("C_Login");
  auto token = Pkcs11Token::find(watched("holder"), answers("wrong"));
  ASSERT_TRUE(token) << summary(token.error());
  for (int i = 0; i < 3; ++i) {
    const auto signature = (*token)->sign(key->uri, key->public_key, as_bytes("message"));
    ASSERT_FALSE(signature);
    EXPECT_TRUE(is_fault(signature.error(), Fault::Kind::Denied)) << summary(signature.error());
    EXPECT_NE(summary(signature.error()).find("wrong PIN"), std::string::npos);
  }
  token->reset();
  EXPECT_EQ(calls("C_Login"), before + 1);
}

// A service that starts again and again with a PIN that was changed would lock its token.
TEST_F(Tokens, AreLeftAloneByAServiceWhenTheLastPinWasWrong) {
  const auto key = made();
  ASSERT_TRUE(key);
  token_.reset();
  const int before = calls("C_Login");
  for (int start = 0; start < 3; ++start) {
    auto token = Pkcs11Token::find(watched("holder"), answers("changed", false));
    ASSERT_TRUE(token);
    const auto signature = (*token)->sign(key->uri, key->public_key, as_bytes("message"));
    EXPECT_TRUE(is_fault(signature.error(), Fault::Kind::Denied)) << summary(signature.error());
    token->reset();
  }
  EXPECT_EQ(calls("C_Login"), before + 1);
  // A person with the right one puts it right.
  const auto person = *Pkcs11Token::find(watched("holder"), answers(SoftTokens::kPin));
  EXPECT_TRUE(person->sign(key->uri, key->public_key, as_bytes("message")));
  const auto service = *Pkcs11Token::find(watched("holder"), answers(SoftTokens::kPin, false));
  EXPECT_TRUE(service->sign(key->uri, key->public_key, as_bytes("message")));
}

// Not every token says by a flag that the last PIN was wrong; and one that does forgets it when somebody logs
// in.
TEST_F(Tokens, AreNotGivenTheSameWrongPinByAServiceThatStartsAgain) {
  const auto key = generated({"image-snapshot", "image/snapshot", {}, kMade});
  ASSERT_TRUE(key) << summary(key.error());
  token_.reset();
  const auto start = [&](const std::string& pin) {
    auto keys = KeyFolder::open(folder(), {{}, answers(pin, false)}).value();
    return keys.signer("image-snapshot").value()->sign(as_bytes("message"));
  };
  ASSERT_FALSE(start("changed"));
  ASSERT_TRUE(tokens_.tool("holder", {"--list-objects"})) << "with the right PIN: the flag goes";
  const auto refused = start("changed");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
  EXPECT_NE(summary(refused.error()).find("it is not tried again"), std::string::npos)
      << summary(refused.error());
  const auto right = start(SoftTokens::kPin);
  EXPECT_TRUE(right) << "nothing was tried in between, so that the flag is not up";
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder()), {}), 1) << "the key's record alone";
}

TEST_F(Tokens, SayThatTheyWerePulledOutAndServeAgainOncePutBack) {
  const auto key = made();
  ASSERT_TRUE(key);
  ASSERT_TRUE(token_->sign(key->uri, key->public_key, as_bytes("before")));
  tokens_.pull_out();
  const auto gone = token_->sign(key->uri, key->public_key, as_bytes("message"));
  ASSERT_FALSE(gone);
  EXPECT_TRUE(is_fault(gone.error(), Fault::Kind::NotFound)) << summary(gone.error());
  EXPECT_NE(summary(gone.error()).find("holder"), std::string::npos) << summary(gone.error());
  tokens_.put_back();
  const auto back = token_->sign(key->uri, key->public_key, as_bytes("message"));
  EXPECT_TRUE(back) << summary(back.error());
}

TEST_F(Tokens, AreNotTakenForOthersOfTheirLabel) {
  const auto key = made();
  ASSERT_TRUE(key);
  token_.reset();
  tokens_.pull_out();
  ASSERT_TRUE(tokens_.add("holder"));
  const auto other = Pkcs11Token::find(tokens_.uri("holder"), answers(SoftTokens::kPin));
  ASSERT_TRUE(other);
  ASSERT_TRUE((*other)->generate("brakes", std::nullopt));
  const auto signature = (*other)->sign(key->uri, key->public_key, as_bytes("message"));
  EXPECT_FALSE(signature);
  EXPECT_TRUE(is_fault(Pkcs11Token::find(key->uri, nobody()).error(), Fault::Kind::NotFound))
      << "its serial differs";
}

TEST_F(Tokens, SignForTheKeyInTheFileAndForNoOther) {
  const auto key = made();
  ASSERT_TRUE(key);
  const auto second = token_->generate("engine", std::nullopt);
  ASSERT_TRUE(second);
  const auto signature = token_->sign(second->uri, key->public_key, as_bytes("message"));
  ASSERT_FALSE(signature);
  EXPECT_TRUE(is_fault(signature.error(), Fault::Kind::Io)) << summary(signature.error());
}

TEST_F(Tokens, AreToldApartBySerialNumberWhenTwoHaveOneLabel) {
  ASSERT_TRUE(tokens_.add("holder"));
  const auto token = Pkcs11Token::find(tokens_.uri("holder"), nobody());
  EXPECT_TRUE(is_fault(token.error(), Fault::Kind::Usage)) << summary(token.error());
}

TEST_F(Tokens, RefuseAPinInTheUriAndDoNotRepeatIt) {
  const auto token = Pkcs11Token::find("pkcs11:token=holder?pin-value=geheim77", nobody());
  ASSERT_FALSE(token);
  EXPECT_TRUE(is_fault(token.error(), Fault::Kind::Usage));
  EXPECT_EQ(summary(token.error()).find("geheim77"), std::string::npos) << summary(token.error());
  EXPECT_FALSE(Pkcs11Token::find("pkcs11:token=holder?pin-source=|/bin/echo%20x", nobody()));
  EXPECT_FALSE(Pkcs11Token::find("pkcs11:token=holder;color=red", nobody()));
  EXPECT_FALSE(Pkcs11Token::find("token=holder", nobody()));
}

TEST_F(Tokens, AreNotFoundInPlainWords) {
  const auto token = Pkcs11Token::find(tokens_.uri("nobodys"), nobody());
  ASSERT_FALSE(token);
  EXPECT_TRUE(is_fault(token.error(), Fault::Kind::NotFound)) << summary(token.error());
  EXPECT_NE(summary(token.error()).find("nobodys"), std::string::npos);
  EXPECT_TRUE(is_fault(Pkcs11Token::find("pkcs11:token=x?module-path=/nowhere/x.so", nobody()).error(),
                       Fault::Kind::NotFound));
}

// --- with their records in a folder
// ---------------------------------------------------------------------------

TEST_F(Tokens, StandInAFolderBesideSealedKeys) {
  ASSERT_TRUE(generated({"image-targets-1", "image/targets", {}, kMade}));
  auto store = FileKeystore::create(folder(), secret("some-pass"), {1, 8});
  ASSERT_TRUE(store) << summary(store.error());
  ASSERT_TRUE(store->generate("image-root-1", "image/root", kMade));

  int passphrases = 0;
  Unlock unlock{[&] {
                  ++passphrases;
                  return Result<crypto::Secret>(secret("some-pass"));
                },
                answers(SoftTokens::kPin)};
  auto keys = KeyFolder::open(folder(), unlock);
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->keys().size(), 2U);
  EXPECT_EQ(keys->keys()[0].store, kFileStore);
  EXPECT_TRUE(keys->keys()[1].store.starts_with("pkcs11:")) << keys->keys()[1].store;
  const auto on_token = keys->signer("image-targets-1");
  ASSERT_TRUE(on_token) << summary(on_token.error());
  const auto signature = (*on_token)->sign(as_bytes("message"));
  ASSERT_TRUE(signature) << summary(signature.error());
  EXPECT_EQ(signature->keyid, keys->keys()[1].id);
  EXPECT_TRUE(keys->keys()[1].key.verifies(as_bytes("message"), signature->bytes));
  EXPECT_EQ(passphrases, 0) << "for a key that needs none";
  ASSERT_TRUE(keys->signer("image-root-1"));
  EXPECT_EQ(passphrases, 1);
}

TEST_F(Tokens, AreAFaultWhereNobodyCanBeAsked) {
  ASSERT_TRUE(generated({"image-targets-1", "", {}, kMade}));
  auto store = FileKeystore::create(folder(), secret("some-pass"), {1, 8});
  ASSERT_TRUE(store);
  ASSERT_TRUE(store->generate("image-root-1", "", kMade));
  auto keys = KeyFolder::open(folder(), {});
  ASSERT_TRUE(keys);
  const auto signer = keys->signer("image-targets-1");
  ASSERT_TRUE(signer) << "no PIN is needed before it signs";
  EXPECT_TRUE(is_fault((*signer)->sign(as_bytes("message")).error(), Fault::Kind::Usage));
  EXPECT_TRUE(is_fault(keys->signer("image-root-1").error(), Fault::Kind::Usage));
}

TEST_F(Tokens, ListTheirKeysWhileTheyLieInASafe) {
  ASSERT_TRUE(generated({"image-targets-1", "", {}, kMade}));
  tokens_.pull_out();
  const auto keys = list_keys(folder());
  ASSERT_TRUE(keys);
  EXPECT_EQ(keys->at(0).key.scheme(), Scheme::Ed25519);
  auto opened = KeyFolder::open(folder(), {{}, nobody()});
  ASSERT_TRUE(opened);
  EXPECT_TRUE(is_fault(opened->signer("image-targets-1").error(), Fault::Kind::NotFound));
}

TEST_F(Tokens, KeepNoKeyWhoseRecordCouldNotBeWritten) {
  const sim::SmallDisk disk("16k");
  if (!disk.mounted()) GTEST_SKIP() << "this machine lets nobody mount a tmpfs";
  disk.fill();
  const auto key = generated({"image-targets-1", "", {}, kMade}, disk.path());
  ASSERT_FALSE(key);
  EXPECT_TRUE(is_fault(key.error(), Fault::Kind::NoSpace)) << summary(key.error());
  EXPECT_EQ(tokens_.tool("holder", {"--list-objects"})->find("image-targets-1"), std::string::npos);
}

TEST_F(Tokens, ReplaceNoKeyOfTheSameName) {
  const NewKey key{"image-targets-1", "", {}, kMade};
  ASSERT_TRUE(generated(key));
  EXPECT_TRUE(is_fault(generated(key).error(), Fault::Kind::Conflict));
  const auto elsewhere = generated(key, dir_.path() / "other");
  EXPECT_TRUE(is_fault(elsewhere.error(), Fault::Kind::Conflict))
      << "the token has one: " << summary(elsewhere.error());
}

TEST_F(Tokens, AdoptAKeyThatAnotherMakersToolMade) {
  int number = 0;
  for (const char* kind : {"EC:prime256v1", "EC:edwards25519", "rsa:2048"}) {
    const std::string label = "made-elsewhere-" + std::to_string(++number);
    ASSERT_TRUE(tokens_.tool("holder", {"--keypairgen", "--key-type", kind, "--label", label, "--id",
                                        "0" + std::to_string(number)}));
    std::string uri = tokens_.uri("holder");
    uri.insert(uri.find('?'), ";object=" + label);
    auto on_token = TokenKeys::open(folder(), uri, answers(SoftTokens::kPin));
    ASSERT_TRUE(on_token) << summary(on_token.error());
    const auto key = on_token->adopt(uri, {label, "", {}, kMade});
    ASSERT_TRUE(key) << kind << ": " << summary(key.error());
    auto keys = KeyFolder::open(folder(), {{}, answers(SoftTokens::kPin)});
    ASSERT_TRUE(keys);
    const auto signer = keys->signer(label);
    ASSERT_TRUE(signer);
    const auto signature = (*signer)->sign(as_bytes("message"));
    ASSERT_TRUE(signature) << kind << ": " << summary(signature.error());
  }
}

}  // namespace
}  // namespace cotter::keystore
