// The whole with a signing process: one cotterd with the online keys and no network, one with the network and
// no key, as two accounts where the test may be more than one.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/host/sqlite.h"
#include "common/json/strict_reader.h"
#include "common/keystore/file_keystore.h"
#include "server/repository/bins.h"
#include "server/signing/remote_signer.h"
#include "tests/sim/https_client.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/signing/contents.h"
#include "tests/world/process.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using sim::HttpsAsk;
using sim::HttpsReply;
using world::Daemon;
using world::Ended;

constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kRefused = 3;
constexpr int kNotFound = 4;
constexpr uid_t kNobody = 65534;
constexpr const char* kOnline = "the workspace's own words";
constexpr const char* kSigner = "the signing process's words";
constexpr const char* kHolder = "a holder's own words";

crypto::Secret secret(std::string text) {
  return crypto::Secret::taking({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
}
std::string read_text(const fs::path& file) {
  return std::string(as_text(host::read_file(file, 1024 * 1024).value()));
}
void write_text(const fs::path& file, std::string_view text) {
  COTTER_ASSERT(host::write_atomically(file, as_bytes(text)));
}

/// One arrangement for all tests here: making it takes seconds of key derivation.
class SigningProcess : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    ASSERT_EQ(cotter({"init", workspace().string(), "--offline-dir", at("holders").string()}).exit_code,
              kDone);
    write_text(at("car.json"), json::to_text(test::factory_record("VIN-1").encode()));
    write_text(at("other.json"), json::to_text(test::factory_record("VIN-2", "B-", 10).encode()));
    for (const char* car : {"car.json", "other.json"}) {
      ASSERT_EQ(cotter({"-C", workspace().string(), "vehicle", "add", at(car).string()}).exit_code, kDone);
    }
    ASSERT_EQ(
        cotter({"-C", workspace().string(), "key", "generate", "--name", "release-key", "--role", "image/fw"})
            .exit_code,
        kDone);
    fs::copy(workspace() / "keys", at("old-keys"));
    fs::create_directory(at("signer"));
    const Ended moved = cotter({"-C", workspace().string(), "key", "move", keys().string()});
    ASSERT_EQ(moved.exit_code, kDone) << moved.err;
    ASSERT_FALSE(fs::exists(workspace() / "keys"));
    write_text(at("signer/cotter.toml"), are_two() ? "[signing]\nrelease_roles = [\"fw\"]\n"
                                                     "release_callers = [\"0\"]\n"
                                                     "image_callers = [\"0\", \"65534\"]\n"
                                                     "director_callers = [\"65534\"]\n"
                                                     "time_callers = [\"65534\"]\n"
                                                   : "[signing]\nrelease_roles = [\"fw\"]\n");
    if (are_two()) {
      fs::permissions(folder->path(), fs::perms(0711));
      fs::permissions(at("signer"), fs::perms(0711));
      for (const auto& entry : fs::recursive_directory_iterator(workspace())) give_away(entry.path());
      give_away(workspace());
    }
    signer = std::make_unique<Daemon>(start_signer());
    server = std::make_unique<Daemon>(start_server());
  }
  static void TearDownTestSuite() {
    server.reset();
    signer.reset();
    folder.reset();
  }
  static void give_away(const fs::path& path) {
    COTTER_ASSERT(::lchown(path.c_str(), kNobody, kNobody) == 0);
  }

  /// Whether the two processes can be two accounts.
  static bool are_two() { return ::geteuid() == 0; }
  static fs::path at(const std::string& name) { return folder->path() / name; }
  static fs::path workspace() { return at("workspace"); }
  static fs::path keys() { return at("signer/keys"); }
  static fs::path socket() { return at("signer/sock"); }
  static fs::path log() { return at("cotterd.log"); }

  static Ended cotter(std::vector<std::string> arguments, const char* passphrase = kOnline) {
    return world::run({COTTER,
                       std::move(arguments),
                       {{"COTTER_PASSPHRASE", passphrase},
                        {"COTTER_PASSPHRASE_SIGNER", kSigner},
                        {"COTTER_PASSPHRASE_HOLDER", kHolder}},
                       {}})
        .value();
  }
  static world::Command signing(const fs::path& home = at("signer")) {
    return {COTTERD,
            {"-C", home.string(), "--role", "sign", "--socket", socket().string(), "--keys", keys().string()},
            {{"COTTER_PASSPHRASE", kSigner}},
            {},
            {"COTTER_PASSPHRASE_HOLDER"}};
  }
  /// As nobody, who has the workspace and can read nothing of the signing process's.
  static world::Command serving(std::vector<std::string> more = {}) {
    std::vector<std::string> words = {"-C",       workspace().string(), "--signer", socket().string(),
                                      "--listen", "127.0.0.1:0"};
    words.insert(words.end(), more.begin(), more.end());
    world::Command command{
        COTTERD, words, {{"COTTER_PASSPHRASE", kOnline}}, {}, {"COTTER_PASSPHRASE_HOLDER"}};
    return are_two() ? as_nobody(std::move(command)) : command;
  }
  static world::Command as_nobody(world::Command command) {
    command.arguments.insert(command.arguments.begin(), {"--reuid=65534", "--regid=65534", "--clear-groups",
                                                         "--pdeathsig=KILL", command.program.string()});
    command.program = "/usr/bin/setpriv";
    return command;
  }
  static Daemon start(world::Command command) {
    command.log = log();
    return Daemon::start(command).value();
  }
  static Daemon start_signer() {
    Daemon daemon = start(signing());
    EXPECT_EQ(daemon.read_line().value_or("nothing: " + read_text(log())), "signing at " + socket().string());
    return daemon;
  }
  static Daemon start_server() {
    Daemon daemon = start(serving());
    const std::string line = daemon.read_line().value_or("nothing: " + read_text(log()));
    const std::string words = "listening on ";
    EXPECT_EQ(line.substr(0, words.size()), words) << line;
    url = line.substr(words.size());
    return daemon;
  }
  /// Runs one that is to end by itself.
  static Ended failing(const world::Command& command) {
    auto ended = world::run(command, std::chrono::seconds(20));
    return ended ? *ended : Ended{-1, "", summary(ended.error())};
  }
  /// A director over --plain, where a vehicle is named in the path.
  static Daemon start_plain(std::string& at_url) {
    Daemon daemon = start(serving({"--plain"}));
    const std::string line = daemon.read_line().value_or("nothing: " + read_text(log()));
    at_url = line.substr(std::string("listening on ").size());
    return daemon;
  }
  static HttpsReply get(const std::string& from) {
    HttpsAsk what;
    what.url = from;
    return sim::ask(what);
  }

  static inline std::unique_ptr<sim::TempDir> folder;
  static inline std::unique_ptr<Daemon> signer;
  static inline std::unique_ptr<Daemon> server;
  static inline std::string url;
};

TEST_F(SigningProcess, ServesAVehicleAndAPublicationWithoutAKeyInTheServer) {  // KEY-10
  write_text(at("fw.bin"), "new firmware");
  const Ended published = cotter(
      {"-C", workspace().string(), "publish", at("fw.bin").string(), "--name", "brakes/mk4/fw.bin",
       "--hardware-id", "brake-mk4", "--version", "2", "--sign-with", (at("holders") / "holder-1").string(),
       "--sign-with", (at("holders") / "holder-2").string(), "--signer", socket().string()},
      "");
  ASSERT_EQ(published.exit_code, kDone) << published.err << "no passphrase of the workspace is needed";
  if (are_two()) {  // what the publisher wrote belongs to the server again
    for (const auto& entry : fs::recursive_directory_iterator(workspace())) give_away(entry.path());
  }
  std::string plain;
  Daemon director = start_plain(plain);
  const HttpsReply poll = get(plain + "/director/vehicles/VIN-1/timestamp.json");
  EXPECT_EQ(poll.status, 200) << poll.body << read_text(log());
  EXPECT_EQ(get(plain + "/director/vehicles/VIN-1/timestamp.json").body, poll.body);
  EXPECT_NE(get(plain + "/repo/timestamp.json").body.find("\"version\":2"), std::string::npos);
  EXPECT_EQ(director.stop(), kDone);
  HttpsAsk what;
  what.url = url + "/time";
  what.method = "POST";
  what.ca = workspace() / "pki/ca.crt";
  what.body = R"({"nonces":["000102030405060708090a0b0c0d0e0f"]})";
  EXPECT_EQ(sim::ask(what).status, 200) << "over TLS, whose key the server has";
}

TEST_F(SigningProcess, ReleasesIntoBinsAndLetsNoneOfThemGoBack) {  // KEY-10
  const auto run = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"-C", workspace().string()});
    words.insert(words.end(), {"--signer", socket().string()});
    return cotter(std::move(words), "");
  };
  write_text(at("a.bin"), "an image");
  const Ended made = run({"release", "init-role", "fw", "--paths", "fw/*", "--hardware-id", "brake-mk4",
                          "--bit-length", "2", "--sign-with", (at("holders") / "holder-1").string(),
                          "--sign-with", (at("holders") / "holder-2").string()});
  ASSERT_EQ(made.exit_code, kDone) << made.err << read_text(log());
  const Ended published = run({"publish", at("a.bin").string(), "--name", "fw/a.bin", "--hardware-id",
                               "brake-mk4", "--version", "1", "--role", "fw"});
  ASSERT_EQ(published.exit_code, kDone) << published.err << read_text(log());
  const Ended renewed = run({"release", "renew", "fw", "--least", "3650d"});
  EXPECT_EQ(renewed.exit_code, kDone) << renewed.err << read_text(log());
  if (are_two()) {
    for (const auto& entry : fs::recursive_directory_iterator(workspace())) give_away(entry.path());
  }
  const auto key = signing::RemoteSigner::connect(socket(), "image-fw");
  ASSERT_TRUE(key) << summary(key.error());
  auto bin = test::stamped<model::Targets>(3, "");  // the renewal's
  bin.expires =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::days(3);
  bin.targets.emplace(TargetName("fw/a.bin"), test::entry_for("of a thief", {HardwareId("brake-mk4")}, 9));
  for (const std::uint64_t version : {std::uint64_t{3}, std::uint64_t{2}}) {
    bin.version = Version(version);
    const auto signature = (*key)->sign(test::canonical(bin));
    ASSERT_FALSE(signature);
    EXPECT_NE(summary(signature.error()).find("version-not-higher"), std::string::npos)
        << summary(signature.error());
  }
}

TEST_F(SigningProcess, LeavesAReleaseRolesKeyOnAnotherMachine) {  // KEY-10
  const fs::path other = at("build-host");
  fs::create_directory(other);
  write_text(other / "cotter.toml", "[signing]\nrelease_roles = [\"tools\"]\n");
  const Ended made = cotter({"key", "generate", "--dir", (other / "keys").string(), "--name", "image-tools",
                             "--role", "image/tools"});
  ASSERT_EQ(made.exit_code, kDone) << made.err;
  world::Command there = signing(other);
  there.arguments = {
      "-C",     other.string(),           "--role", "sign", "--socket", (other / "sock").string(),
      "--keys", (other / "keys").string()};
  there.environment["COTTER_PASSPHRASE"] = kHolder;
  Daemon its_signer = start(there);
  ASSERT_TRUE(its_signer.read_line()) << read_text(log());

  write_text(at("tool.bin"), "a tool");
  const auto run = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"-C", workspace().string()});
    words.insert(words.end(), {"--signer", socket().string()});
    return cotter(std::move(words), "");
  };
  const std::string release_signer = (other / "sock").string();
  const Ended delegated = run({"release", "init-role", "tools", "--paths", "tools/*", "--bit-length", "1",
                               "--sign-with", (at("holders") / "holder-1").string(), "--sign-with",
                               (at("holders") / "holder-2").string(), "--release-signer", release_signer});
  ASSERT_EQ(delegated.exit_code, kDone) << delegated.err << read_text(log());
  const std::vector<std::string> publish = {"publish",       at("tool.bin").string(),
                                            "--name",        "tools/tool.bin",
                                            "--hardware-id", "brake-mk4",
                                            "--version",     "1",
                                            "--role",        "tools"};
  const Ended without_it = run(publish);
  EXPECT_EQ(without_it.exit_code, kNotFound) << "the other keys' process has none for it: " << without_it.err;
  auto with_it = publish;
  with_it.insert(with_it.end(), {"--release-signer", release_signer});
  const Ended published = run(with_it);
  EXPECT_EQ(published.exit_code, kDone) << published.err << read_text(log());
  // One release into the roles of both.
  const Ended beside = run({"release", "init-role", "fw", "--paths", "fw/*", "--hardware-id", "brake-mk4",
                            "--bit-length", "2", "--sign-with", (at("holders") / "holder-1").string(),
                            "--sign-with", (at("holders") / "holder-2").string()});
  ASSERT_EQ(beside.exit_code, kDone) << beside.err << read_text(log());
  const auto artifact = [](const std::string& role) {
    return "[[artifact]]\nrole = \"" + role + "\"\nfile = \"tool.bin\"\nname = \"" + role +
           "/both.bin\"\nhardware_ids = [\"brake-mk4\"]\nversion = \"2\"\n";
  };
  write_text(at("both.toml"), artifact("fw") + artifact("tools"));
  const Ended both =
      run({"release", "apply", at("both.toml").string(), "--release-signer", "tools=" + release_signer});
  EXPECT_EQ(both.exit_code, kDone) << both.err << read_text(log());
  EXPECT_NE(both.out.find("tools: published: 1 added"), std::string::npos) << both.out;
  if (are_two()) {
    for (const auto& entry : fs::recursive_directory_iterator(workspace())) give_away(entry.path());
  }
  // Neither process would sign what the other does.
  EXPECT_FALSE(signing::RemoteSigner::connect(socket(), "image-tools"));
  EXPECT_TRUE(signing::RemoteSigner::connect(other / "sock", "image-tools"));
  EXPECT_FALSE(signing::RemoteSigner::connect(other / "sock", "image-snapshot"));
  EXPECT_FALSE(signing::RemoteSigner::connect(other / "sock", "director-targets"));
}

TEST_F(SigningProcess, GrowsARoleAndSignsNothingOfItsOldBins) {  // KEY-10
  const auto run = [](std::vector<std::string> words) {
    words.insert(words.begin(), {"-C", workspace().string()});
    words.insert(words.end(), {"--signer", socket().string()});
    return cotter(std::move(words), "");
  };
  const std::string one = (at("holders") / "holder-1").string(), two = (at("holders") / "holder-2").string();
  const auto publish = [&](const std::string& name) {
    write_text(at("image.bin"), "content of " + name);
    return run({"publish", at("image.bin").string(), "--name", name, "--hardware-id", "brake-mk4",
                "--version", "1", "--role", "fw"});
  };
  ASSERT_EQ(run({"release", "init-role", "fw", "--paths", "fw/*", "--hardware-id", "brake-mk4",
                 "--bit-length", "2", "--sign-with", one, "--sign-with", two})
                .exit_code,
            kDone);
  for (int i = 0; i < 12; ++i) {
    const Ended published = publish("fw/" + std::to_string(i));
    ASSERT_EQ(published.exit_code, kDone) << published.err;
  }
  const std::vector<std::string> growing = {"release", "grow", "fw", "--bit-length", "6"};
  const auto key = signing::RemoteSigner::connect(socket(), "image-fw");
  ASSERT_TRUE(key) << summary(key.error());
  const auto expires =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::days(3);
  const auto ask = [&](model::Targets file) {
    file.expires = expires;
    const auto signature = (*key)->sign(test::canonical(file));
    return signature ? std::string("signed") : summary(signature.error());
  };
  const auto role_file = [&](std::uint64_t version, std::uint32_t bits) {
    return repository::role_file({RoleName("fw"), {}, {}, bits, (*key)->public_key()}, Version(version),
                                 expires);
  };
  const auto holds = [](const std::string& said, const std::string& policy) {
    return said.find(policy) != std::string::npos;
  };
  // Of somebody who may ask for signatures and has no holder.
  EXPECT_TRUE(holds(ask(role_file(1, 3)), "version-not-higher"));
  EXPECT_TRUE(holds(ask(role_file(1'000, 1)), "bin-foreign"));

  EXPECT_EQ(run(growing).exit_code, kDone);
  auto unsigned_yet = growing;
  unsigned_yet.insert(unsigned_yet.end(), {"--yes", "--sign-with", one});
  ASSERT_EQ(run(unsigned_yet).exit_code, kDone);
  unsigned_yet.back() = two;
  const Ended grown = run(unsigned_yet);
  ASSERT_EQ(grown.exit_code, kDone) << grown.err << read_text(log());
  EXPECT_TRUE(holds(grown.out, "grown to 64 bins")) << grown.out;
  const Ended checked = cotter({"-C", workspace().string(), "check"});
  EXPECT_EQ(checked.exit_code, kDone) << checked.out;
  const Ended published = publish("fw/new");
  ASSERT_EQ(published.exit_code, kDone) << published.err;
  EXPECT_EQ(run({"release", "renew", "fw", "--least", "3650d"}).exit_code, kDone);
  if (are_two()) {
    for (const auto& entry : fs::recursive_directory_iterator(workspace())) give_away(entry.path());
  }
  auto bin = test::stamped<model::Targets>(1, "");
  bin.targets.emplace(TargetName("fw/0"), test::entry_for("of a thief", {HardwareId("brake-mk4")}, 9));
  EXPECT_TRUE(holds(ask(bin), "version-not-higher"));
  EXPECT_TRUE(holds(ask(role_file(1'000, 2)), "bin-foreign")) << "back to the old bins";
  for (int i = 1; i < 12; ++i)
    bin.targets.emplace(TargetName("fw/" + std::to_string(i)),
                        test::entry_for("x", {HardwareId("brake-mk4")}, 9));
  bin.version = Version(1'000);
  EXPECT_TRUE(holds(ask(bin), "bin-foreign"));
}

TEST_F(SigningProcess, TheServerHasNoKeyAndNoPathToOne) {  // KEY-10
  // Not in its folder, not under its passphrase.
  EXPECT_FALSE(fs::exists(workspace() / "keys"));
  const auto by_its_words = keystore::FileKeystore::open(keys(), secret(kOnline));
  ASSERT_FALSE(by_its_words);
  EXPECT_TRUE(is_fault(by_its_words.error(), Fault::Kind::Denied)) << summary(by_its_words.error());
  EXPECT_TRUE(keystore::FileKeystore::open(keys(), secret(kSigner)));
  // Not in what it was given.
  const fs::path process = "/proc/" + std::to_string(server->pid());
  EXPECT_EQ(read_text(process / "environ").find(kSigner), std::string::npos);
  EXPECT_EQ(read_text(process / "cmdline").find(keys().string()), std::string::npos);
  for (const auto& descriptor : fs::directory_iterator(process / "fd")) {
    std::error_code gone;
    EXPECT_EQ(fs::read_symlink(descriptor.path(), gone).string().find(keys().string()), std::string::npos);
  }
  EXPECT_EQ(read_text(process / "maps").find(keys().string()), std::string::npos);
  if (!are_two()) GTEST_SKIP() << "one account alone: that it cannot read the keys is for root to try";
  // Not on the disk, nor in the other process, by the account that it runs as.
  struct stat found {};
  ASSERT_EQ(::stat(process.c_str(), &found), 0);
  EXPECT_EQ(found.st_uid, kNobody);
  const fs::path other = "/proc/" + std::to_string(signer->pid());
  for (const fs::path& wanted : {keys() / "director-targets.key", keys() / "signing.db", other / "mem",
                                 other / "environ", other / "fd/0"}) {
    EXPECT_NE(failing(as_nobody({"/usr/bin/head", {"-c1", wanted.string()}, {}, {}})).exit_code, kDone)
        << wanted;
  }
}

TEST_F(SigningProcess, SignsNothingForAThiefOfTheServerThatItsPoliciesForbid) {  // KEY-10
  const auto image = signing::RemoteSigner::connect(socket(), "image-timestamp");
  ASSERT_TRUE(image) << summary(image.error());
  auto far = test::timestamp(1'000, 1'000);
  far.expires =
      std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + std::chrono::days(300);
  const auto signature = (*image)->sign(test::canonical(far));
  ASSERT_FALSE(signature);
  EXPECT_NE(summary(signature.error()).find("expires-too-late"), std::string::npos)
      << summary(signature.error());
  EXPECT_NE(read_text(log()).find("expires-too-late"), std::string::npos) << "the log tells of it";
  EXPECT_TRUE(
      is_fault(signing::RemoteSigner::connect(socket(), "image-targets-1").error(), Fault::Kind::NotFound));
  if (!are_two()) return;
  const auto director = signing::RemoteSigner::connect(socket(), "director-targets");
  ASSERT_TRUE(director);
  const auto for_root = (*director)->sign(test::canonical(test::director_targets(1'000)));
  ASSERT_FALSE(for_root);
  EXPECT_NE(summary(for_root.error()).find("caller-not-allowed"), std::string::npos)
      << summary(for_root.error());
}

TEST_F(SigningProcess, IsFoundAgainWhenItWasKilledAndStarted) {
  std::string plain;
  Daemon director = start_plain(plain);
  signer->kill();
  const std::string path = plain + "/director/vehicles/VIN-2/timestamp.json";
  EXPECT_EQ(get(path).status, 503);
  EXPECT_NE(read_text(log()).find("no signing process answers"), std::string::npos);
  *signer = start_signer();
  EXPECT_EQ(get(path).status, 200) << read_text(log());
  EXPECT_EQ(director.stop(), kDone);
}

TEST_F(SigningProcess, TakesNoOptionOfAnotherRole) {
  world::Command confused = signing();
  confused.arguments.insert(confused.arguments.end(), {"--signer", socket().string()});
  EXPECT_EQ(failing(confused).exit_code, kUsage);
  EXPECT_EQ(failing(serving({"--keys", keys().string()})).exit_code, kUsage);
}

TEST_F(SigningProcess, DoesNotStartTwice) {
  const Ended again = failing(signing());
  EXPECT_EQ(again.exit_code, kFailed);
  EXPECT_NE(again.err.find("another signing process"), std::string::npos) << again.err;
}

TEST_F(SigningProcess, TheServerDoesNotStartWithKeysThatItsPassphraseOpens) {
  fs::copy(at("old-keys"), workspace() / "keys");
  if (are_two()) {
    give_away(workspace() / "keys");
    for (const auto& entry : fs::directory_iterator(workspace() / "keys")) give_away(entry.path());
  }
  const Ended ended = failing(serving());
  fs::remove_all(workspace() / "keys");
  EXPECT_EQ(ended.exit_code, kRefused);
  EXPECT_NE(ended.err.find("the online keys are within this server's reach"), std::string::npos) << ended.err;
}

TEST_F(SigningProcess, TakesNoTermsThatACallerCouldWrite) {
  if (!are_two()) GTEST_SKIP() << "one account alone";
  fs::copy(at("signer/cotter.toml"), at("hers.toml"));
  fs::create_directory(at("hers"));
  fs::rename(at("hers.toml"), at("hers/cotter.toml"));
  give_away(at("hers/cotter.toml"));
  const Ended ended = failing(signing(at("hers")));
  EXPECT_EQ(ended.exit_code, kRefused);
  EXPECT_NE(ended.err.find("whom it limits"), std::string::npos) << ended.err;
}

TEST_F(SigningProcess, TheLedgerIsSignedAsEver) {
  write_text(at("with-signer.toml"), read_text(workspace() / "cotter.toml"));
  std::string settings = read_text(workspace() / "cotter.toml");
  settings.replace(settings.find("# signer = \"\""), 13, "signer = \"" + socket().string() + "\"");
  write_text(workspace() / "cotter.toml", settings);
  const Ended verified = cotter({"-C", workspace().string(), "audit", "verify"}, "");
  const Ended listed = cotter({"-C", workspace().string(), "key", "list"}, "");
  write_text(workspace() / "cotter.toml", read_text(at("with-signer.toml")));
  EXPECT_EQ(verified.exit_code, kDone) << verified.out << verified.err;
  EXPECT_EQ(listed.exit_code, kDone) << listed.err;
}

TEST_F(SigningProcess, TellsWhatItSignedLastOfALedgerThatWasCutShort) {
  fs::copy(workspace(), at("forged"), fs::copy_options::recursive);
  std::string settings = read_text(at("forged/cotter.toml"));
  settings.replace(settings.find("# signer = \"\""), 13, "signer = \"" + socket().string() + "\"");
  write_text(at("forged/cotter.toml"), settings);
  host::Db db = host::Db::open(at("forged/cotter.db")).value();
  ASSERT_TRUE(
      db.exec("DROP TRIGGER ledger_entry_remains; DROP TRIGGER ledger_hash_remains;"
              "DELETE FROM ledger_entry WHERE idx >= 10;"
              "DELETE FROM ledger_hash WHERE (position + 1) << level > 10;"
              "DELETE FROM ledger_checkpoint;"));
  const Ended verified = cotter({"-C", at("forged").string(), "audit", "verify"}, "");
  EXPECT_EQ(verified.exit_code, kRefused) << verified.out << verified.err;
  EXPECT_NE(verified.out.find("the checkpoint that the ledger's key signed last is about"), std::string::npos)
      << verified.out;
}

// What the rehearsal signs is nobody's, and in nobody's way.
TEST_F(SigningProcess, RehearsesADirectorsRootAndGoesOnSigningForVehicles) {  // KEY-10
  const std::string before = read_text(workspace() / "cotter.toml");
  std::string settings = before;
  settings.replace(settings.find("# signer = \"\""), 13, "signer = \"" + socket().string() + "\"");
  write_text(workspace() / "cotter.toml", settings);
  const std::string ws = workspace().string();
  const Ended opened =
      cotter({"-C", ws, "--json", "ceremony", "open", "root", "--repository", "director"}, "");
  ASSERT_EQ(opened.exit_code, kDone) << opened.err;
  const json::Value told = json::read(as_bytes(opened.out)).value();
  const std::string hash(told.as_object()->find("hash")->as_string()->view());
  const std::string bundle = (workspace() / "pending" / "director-root-2.json").string();
  const Ended by_holders =
      cotter({"-C", ws, "ceremony", "sign", bundle, "--sign-with", (at("holders") / "holder-1").string(),
              "--sign-with", (at("holders") / "holder-2").string(), "--hash", hash},
             "");
  ASSERT_EQ(by_holders.exit_code, kDone) << by_holders.err;
  world::Command close{COTTER, {"-C", ws, "ceremony", "close", bundle}, {{"COTTER_PASSPHRASE", ""}}, {}};
  if (are_two()) {
    const Ended refused = world::run(close).value();
    EXPECT_EQ(refused.exit_code, kRefused) << refused.out;
    EXPECT_NE(refused.err.find("caller-not-allowed"), std::string::npos) << refused.err;
    EXPECT_FALSE(fs::exists(workspace() / "director/2.root.json"));
    for (const auto& entry : fs::recursive_directory_iterator(workspace())) give_away(entry.path());
    close = as_nobody(std::move(close));
  }
  const Ended closed = world::run(close).value();
  ASSERT_EQ(closed.exit_code, kDone) << closed.err << read_text(log());
  write_text(workspace() / "cotter.toml", before);
  std::string plain;
  Daemon director = start_plain(plain);
  for (const char* vin : {"VIN-1", "VIN-2"}) {
    const std::string files = plain + "/director/vehicles/" + vin;
    EXPECT_EQ(get(files + "/2.root.json").status, 200) << vin;
    const HttpsReply poll = get(files + "/timestamp.json");
    EXPECT_EQ(poll.status, 200) << vin << poll.body << read_text(log());
  }
  EXPECT_EQ(director.stop(), kDone);
}

}  // namespace
}  // namespace cotter
