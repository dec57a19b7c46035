// Keys on tokens and from elsewhere, as an operator meets them: the real program, real tokens of SoftHSM 2.
// KEY-2, KEY-9.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "common/json/strict_reader.h"
#include "tests/sim/temp_dir.h"
#include "tests/world/process.h"
#include "tests/world/soft_token.h"
#include "tests/world/soft_tpm.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;
using world::SoftTokens;

constexpr int kDone = 0;
constexpr int kUsage = 2;
constexpr int kRefused = 3;
constexpr int kNotFound = 4;

bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

class KeyStores : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* label : {"alice", "bob", "server"})
      ASSERT_TRUE(tokens_.add(label)) << "is softhsm2 installed?";
    std::ofstream(dir() / "pin") << SoftTokens::kPin << "\n";
    std::ofstream(dir() / "pins") << SoftTokens::kPin << "\n" << SoftTokens::kPin << "\n";
    std::ofstream(dir() / "image") << "firmware";
  }
  [[nodiscard]] const fs::path& dir() const { return dir_.path(); }
  [[nodiscard]] std::string path(const char* name) const { return (dir() / name).string(); }

  /// PINs come by descriptor 3, from `pins`.
  [[nodiscard]] Ended cotter(const std::string& words, const std::string& pins = "pins") const {
    const std::string line = "exec \"$0\" " + words + " 3<" + path(pins.c_str());
    return world::run({.program = "/usr/bin/setsid",  // no terminal to ask at
                       .arguments = {"-w", "/bin/sh", "-c", line, COTTER},
                       .environment = {{"COTTER_PASSPHRASE", "the workspace's"},
                                       {"COTTER_PASSPHRASE_HOLDER", "a holder's own"}},
                       .log = {}})
        .value();
  }
  /// Two holders of three on tokens, the server on one that needs no person.
  [[nodiscard]] Ended init() const {
    return cotter("init " + path("w") + " --offline-dir " + path("h") + " --pin-fd 3 --holder-store '" +
                  tokens_.uri("alice") + "' --holder-store '" + tokens_.uri("bob") + "' --online-store '" +
                  tokens_.uri("server", path("pin")) + "'");
  }
  [[nodiscard]] std::string publish(const std::string& name) const {
    return "-C " + path("w") + " publish " + path("image") + " --name " + name +
           " --hardware-id hw --version 1 --sign-with " + path("h/holder-1") + " --sign-with ";
  }

  sim::TempDir dir_;
  SoftTokens tokens_{dir_.path() / "softhsm"};
};

TEST_F(KeyStores, AWholeWorkspaceSignsWithTokens) {
  const Ended made = init();
  ASSERT_EQ(made.exit_code, kDone) << made.err;
  const Ended list = cotter("-C " + path("w") + " key list --json", "pin");
  const json::Value keys = *json::read(as_bytes(list.out));
  int on_tokens = 0;
  for (const json::Value& key : *keys.as_object()->find("keys")->as_array()) {
    on_tokens += key.as_object()->find("store")->as_string()->starts_with("pkcs11:") ? 1 : 0;
  }
  EXPECT_EQ(on_tokens, 7 + 3 + 3);
  EXPECT_FALSE(says(list.out, SoftTokens::kPin));

  const Ended published = cotter(publish("a/b/one.bin") + path("h/holder-2") + " --pin-fd 3");
  ASSERT_EQ(published.exit_code, kDone) << published.err;
  const Ended mixed = cotter(publish("a/b/two.bin") + path("h/holder-3") + " --pin-fd 3");
  ASSERT_EQ(mixed.exit_code, kDone) << "one on a token, one in a file: " << mixed.err;
  const Ended check = cotter("-C " + path("w") + " check");
  EXPECT_EQ(check.exit_code, kDone) << check.out << check.err;
}

TEST_F(KeyStores, ASigningProcessSignsWithATokensKeys) {  // KEY-10
  ASSERT_EQ(init().exit_code, kDone);
  const Ended moved = world::run({.program = COTTER,
                                  .arguments = {"-C", path("w"), "key", "move", path("signer")},
                                  .environment = {},
                                  .log = {},
                                  .without = {"COTTER_PASSPHRASE", "COTTER_PASSPHRASE_SIGNER"}})
                          .value();
  ASSERT_EQ(moved.exit_code, kDone) << "nothing is sealed, and nobody is asked: " << moved.err;
  EXPECT_FALSE(fs::exists(dir() / "w" / "keys"));
  auto signer = world::Daemon::start({.program = COTTERD,
                                      .arguments = {"-C", path("w"), "--role", "sign", "--socket",
                                                    path("sock"), "--keys", path("signer")},
                                      .environment = {},
                                      .log = dir() / "signer.log",
                                      .without = {"COTTER_PASSPHRASE", "COTTER_PASSPHRASE_HOLDER"}})
                    .value();
  ASSERT_EQ(signer.read_line().value_or("nothing"), "signing at " + path("sock"));
  const Ended published =
      cotter(publish("a/b/one.bin") + path("h/holder-2") + " --pin-fd 3 --signer " + path("sock"));
  ASSERT_EQ(published.exit_code, kDone) << published.err;
  EXPECT_EQ(signer.stop(), kDone);
  const Ended check = cotter("-C " + path("w") + " check");
  EXPECT_EQ(check.exit_code, kDone) << check.out << check.err;
}

TEST_F(KeyStores, AServerSignsWithItsTpm) {
  fs::create_directory(dir() / "chip");
  const auto tpm = world::SoftTpm::start(dir() / "chip");
  ASSERT_TRUE(tpm) << "is swtpm installed?";
  const Ended made = cotter("init " + path("w") + " --offline-dir " + path("h") +
                            " --online-store 'tpm:" + tpm->tcti() + "?pin-source=file:" + path("pin") + "'");
  ASSERT_EQ(made.exit_code, kDone) << made.err;
  const Ended published = cotter(publish("a/b/one.bin") + path("h/holder-2"));
  ASSERT_EQ(published.exit_code, kDone) << published.err;
  const Ended check = cotter("-C " + path("w") + " check");
  EXPECT_EQ(check.exit_code, kDone) << check.out << check.err;
}

TEST_F(KeyStores, AWrongPinSpendsOneTryAndPublishesNothing) {
  ASSERT_EQ(init().exit_code, kDone);
  std::ofstream(dir() / "wrong") << "0000-0000\n";
  const Ended refused = cotter(publish("a/b/one.bin") + path("h/holder-3") + " --pin-fd 3", "wrong");
  EXPECT_EQ(refused.exit_code, kRefused);
  EXPECT_TRUE(says(refused.err, "error: wrong PIN for token alice")) << refused.err;
  EXPECT_FALSE(says(refused.err, "0000-0000"));
  const Ended again = cotter(publish("a/b/one.bin") + path("h/holder-3") + " --pin-fd 3");
  EXPECT_EQ(again.exit_code, kRefused) << "a script is not let near a token whose last PIN was wrong";
  EXPECT_TRUE(says(again.err, "unattended")) << again.err;
}

TEST_F(KeyStores, ATokenInASafeIsMissedByName) {
  ASSERT_EQ(init().exit_code, kDone);
  tokens_.pull_out();
  const Ended missing = cotter(publish("a/b/one.bin") + path("h/holder-3") + " --pin-fd 3");
  EXPECT_EQ(missing.exit_code, kNotFound);
  EXPECT_TRUE(says(missing.err, "token=alice")) << missing.err;
  EXPECT_TRUE(says(missing.err, "hint: ")) << missing.err;
}

TEST_F(KeyStores, AFailedInitLeavesNoKeyOnAToken) {
  std::ofstream(dir() / "half") << SoftTokens::kPin << "\n0000-0000\n";  // bob's is wrong
  const Ended failed =
      cotter("init " + path("w") + " --offline-dir " + path("h") + " --pin-fd 3 --holder-store '" +
                 tokens_.uri("alice") + "' --holder-store '" + tokens_.uri("bob") + "'",
             "half");
  EXPECT_EQ(failed.exit_code, kRefused) << failed.err;
  EXPECT_FALSE(fs::exists(dir() / "w" / "cotter.toml"));
  EXPECT_FALSE(says(tokens_.tool("alice", {"--list-objects"}).value(), "image-root-1"));
}

TEST_F(KeyStores, OneTokenIsNotTwoHolders) {
  const Ended refused =
      cotter("init " + path("w") + " --offline-dir " + path("h") + " --pin-fd 3 --holder-store '" +
             tokens_.uri("alice") + "' --holder-store '" + tokens_.uri("alice") + "'");
  EXPECT_EQ(refused.exit_code, kUsage);
  EXPECT_TRUE(says(refused.err, "one store twice")) << refused.err;
}

TEST_F(KeyStores, APinInTheUriIsRefusedAndNotRepeated) {
  const Ended refused =
      cotter("key generate --dir " + path("d") + " --name x --store 'pkcs11:token=alice?pin-value=geheim77'");
  EXPECT_EQ(refused.exit_code, kUsage);
  EXPECT_TRUE(says(refused.err, "pin-source")) << refused.err;
  EXPECT_FALSE(says(refused.out + refused.err, "geheim77"));
  EXPECT_FALSE(fs::exists(dir() / "d"));
}

TEST_F(KeyStores, AServiceDoesNotStartWithAHoldersPinWithinReach) {
  const Ended made = cotter("init " + path("w") + " --offline-dir " + path("h") + " --holder-store '" +
                            tokens_.uri("alice", path("pin")) + "'");
  ASSERT_EQ(made.exit_code, kDone) << made.err;
  const Ended refused = world::run({.program = COTTERD,
                                    .arguments = {"-C", path("w"), "--plain", "--listen", "127.0.0.1:0"},
                                    .environment = {{"COTTER_PASSPHRASE", "the workspace's"}},
                                    .log = {},
                                    .without = {"COTTER_PASSPHRASE_HOLDER"}})
                            .value();
  EXPECT_EQ(refused.exit_code, kRefused);
  EXPECT_TRUE(says(refused.err, "holder-1")) << refused.err;
}

TEST_F(KeyStores, KeysOfOtherToolsAreTakenIn) {
  struct Case {
    const char* make;
    const char* scheme;
  };
  for (const Case& one :
       {Case{"genpkey -algorithm ed25519", "ed25519"},
        Case{"ecparam -name prime256v1 -genkey -noout", "ecdsa-sha2-nistp256"},
        Case{"genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:open-me",
             "ecdsa-sha2-nistp256"},
        Case{"genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", "rsassa-pss-sha256"}}) {
    SCOPED_TRACE(one.make);
    const std::string make = "openssl " + std::string(one.make) + " -out " + path("k.pem");
    ASSERT_TRUE(world::run_well({"/bin/sh", {"-c", make}, {}, dir() / "log"}));
    std::ofstream(dir() / "open") << "open-me\n";
    fs::remove_all(dir() / "d");
    const Ended taken = cotter(
        "key import " + path("k.pem") + " --dir " + path("d") + " --name one --json --pem-passphrase-fd 3",
        "open");
    ASSERT_EQ(taken.exit_code, kDone) << taken.err;
    EXPECT_TRUE(says(taken.out, one.scheme)) << taken.out;
    EXPECT_FALSE(says(taken.out, "PRIVATE"));
    EXPECT_EQ(cotter("key list --dir " + path("d")).exit_code, kDone);
  }
}

TEST_F(KeyStores, KeysThatNoVehicleCouldTrustAreNotTakenIn) {
  for (const char* make : {"genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024",
                           "ecparam -name secp521r1 -genkey -noout", "genpkey -algorithm x25519"}) {
    SCOPED_TRACE(make);
    ASSERT_TRUE(world::run_well(
        {"/bin/sh", {"-c", "openssl " + std::string(make) + " -out " + path("k.pem")}, {}, dir() / "log"}));
    const Ended refused = cotter("key import " + path("k.pem") + " --dir " + path("d") + " --name one");
    EXPECT_EQ(refused.exit_code, kUsage) << refused.err;
    EXPECT_FALSE(fs::exists(dir() / "d" / "one.key"));
  }
}

}  // namespace
}  // namespace cotter
