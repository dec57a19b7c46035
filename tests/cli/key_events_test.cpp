// What the ledger hears of keys, as an auditor reads it: the real programs, and one workspace for all.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "server/storage/sqlite/database.h"
#include "tests/cli/words.h"
#include "tests/sim/temp_dir.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

class KeyEvents : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    made = std::make_unique<sim::TempDir>();
    ASSERT_EQ(run_cotter({"init", (made->path() / "ws").string(), "--offline-dir", off().string()}).exit_code,
              kDone);
  }
  static void TearDownTestSuite() { made.reset(); }
  void SetUp() override { fs::copy(made->path() / "ws", ws(), fs::copy_options::recursive); }

  static fs::path off() { return made->path() / "off"; }
  [[nodiscard]] const fs::path& dir() const { return temp_.path(); }
  [[nodiscard]] fs::path ws() const { return dir() / "ws"; }
  [[nodiscard]] Ended cotter(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"-C", ws().string(), "--json"});
    world::Command command = cotter_command(std::move(arguments));
    command.environment["COTTER_PASSPHRASE_SIGNER"] = "the signer's words";
    return world::run(command).value();
  }
  /// What it prints, where all goes well.
  [[nodiscard]] json::Value must(std::vector<std::string> arguments) const {
    const Ended ended = cotter(std::move(arguments));
    EXPECT_EQ(ended.exit_code, kDone) << ended.err;
    return parsed(ended.out);
  }
  [[nodiscard]] json::Array entries(const std::string& kind) const {
    std::vector<std::string> log = {"audit", "log", "--limit", "0"};
    if (!kind.empty()) log.insert(log.end(), {"--kind", kind});
    return *member(must(std::move(log)), "entries").as_array();
  }
  /// On a copy, as a holder without a workspace does.
  [[nodiscard]] std::string signed_copy(const json::Value& opened, const fs::path& holder) const {
    const fs::path copy = dir() / (holder.filename().string() + ".json");
    fs::copy_file(text_of(opened, "bundle"), copy);
    world::Command command =
        cotter_command({copy.string(), "--keys", holder.string(), "--hash", text_of(opened, "hash")});
    command.program = COTTER_SIGN;
    EXPECT_EQ(world::run(command)->exit_code, kDone);
    return copy.string();
  }
  /// A holder's folder with one key, made on a machine that knows of no workspace.
  [[nodiscard]] fs::path new_holder(const std::string& name, const std::string& key) const {
    const fs::path holder = dir() / name;
    EXPECT_EQ(run_cotter({"key", "generate", "--dir", holder.string(), "--name", key}).exit_code, kDone);
    fs::copy_file(off() / "holder-1" / "image.root.json", holder / "image.root.json");
    return holder;
  }

 private:
  static std::unique_ptr<sim::TempDir> made;
  sim::TempDir temp_;
};
std::unique_ptr<sim::TempDir> KeyEvents::made;

TEST_F(KeyEvents, TellOfAKeyThatAHolderMakesWithTheWorkspaceAtHand) {
  const std::string holder = (dir() / "holder-4").string();
  const json::Value key =
      must({"key", "generate", "--dir", holder + "/", "--name", "image-root-4", "--role", "image/root"});
  const json::Array told = entries("key-generated");
  const json::Value& last = *(told.end() - 1);
  EXPECT_EQ(text_of(last, "subject"), "image-root-4");
  EXPECT_EQ(text_of(last, "holder"), "holder-4");
  EXPECT_EQ(text_of(last, "keyid"), text_of(key, "keyid"));
  EXPECT_EQ(text_of(last, "role"), "image/root");
  EXPECT_EQ(text_of(last, "scheme"), "ed25519");
  EXPECT_EQ(text_of(last, "store"), "file");
}

TEST_F(KeyEvents, CallAKeyThatWasTakenInImported) {
  const std::string pem = (dir() / "key.pem").string();
  ASSERT_TRUE(
      world::run_well({"/usr/bin/openssl", {"genpkey", "-algorithm", "ed25519", "-out", pem}, {}, {}}));
  const std::size_t before = entries("key-generated").size();
  static_cast<void>(must({"key", "import", pem, "--name", "taken-in"}));
  const json::Array told = entries("key-imported");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(text_of(told[0], "subject"), "taken-in");
  EXPECT_EQ(text_of(told[0], "holder"), "workspace");
  EXPECT_EQ(entries("key-generated").size(), before) << "nobody made it here";
}

TEST_F(KeyEvents, TellOfKeysThatGoToASigningProcess) {
  const fs::path to = dir() / "signer";
  static_cast<void>(must({"key", "move", to.string()}));
  const json::Array told = entries("key-moved");
  ASSERT_EQ(told.size(), 7U);
  for (const json::Value& each : told) EXPECT_EQ(text_of(each, "to"), to.string());
}

// Whoever is killed in between leaves an entry of a key that nobody ever saw, and never the other way round.
TEST_F(KeyEvents, ComeBeforeTheKey) {
  {
    host::Db db = storage::open_database(ws() / "cotter.db").value();
    ASSERT_TRUE(
        db.exec("CREATE TRIGGER full BEFORE INSERT ON ledger_entry BEGIN SELECT RAISE(ABORT, 'full'); END"));
  }
  EXPECT_EQ(cotter({"key", "generate", "--name", "spare"}).exit_code, kFailed);
  EXPECT_FALSE(fs::exists(ws() / "keys" / "spare.key"));
  EXPECT_EQ(cotter({"key", "generate", "--dir", (dir() / "h").string(), "--name", "spare"}).exit_code,
            kFailed);
  EXPECT_FALSE(fs::exists(dir() / "h" / "spare.key"));
  EXPECT_EQ(cotter({"key", "move", (dir() / "signer").string()}).exit_code, kFailed);
  EXPECT_FALSE(fs::exists(dir() / "signer"));
  EXPECT_TRUE(fs::exists(ws() / "keys" / "ledger.key"));
}

TEST_F(KeyEvents, TellWhoIsPutForwardWhoComesAndWhoGoes) {
  const fs::path fresh = new_holder("holder-4", "image-root-4");
  EXPECT_TRUE(entries("key-proposed").empty());
  const json::Value opened =
      must({"key", "rotate", "image-root-1", "--to", (fresh / "image-root-4.key").string()});
  const json::Array proposed = entries("key-proposed");
  ASSERT_EQ(proposed.size(), 1U);
  EXPECT_EQ(text_of(proposed[0], "subject"), "image-root-4");
  EXPECT_EQ(text_of(proposed[0], "holder"), "holder-4");
  EXPECT_EQ(text_of(proposed[0], "role"), "image/root");
  EXPECT_TRUE(entries("key-listed").empty()) << "nobody has signed it";
  const json::Value closed = must({"ceremony", "close", signed_copy(opened, off() / "holder-2"),
                                   signed_copy(opened, off() / "holder-3"), signed_copy(opened, fresh)});
  ASSERT_EQ(text_of(closed, "state"), "published");
  const json::Array listed = entries("key-listed");
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(text_of(listed[0], "subject"), "image-root-4");
  EXPECT_EQ(text_of(listed[0], "holder"), "holder-4");
  EXPECT_EQ(text_of(listed[0], "role"), "image/root");
  EXPECT_EQ(text_of(listed[0], "scheme"), "ed25519");
  EXPECT_EQ(text_of(listed[0], "store"), "file");
  EXPECT_EQ(member(listed[0], "version"), json::Value(2));
  const json::Array delisted = entries("key-delisted");
  ASSERT_EQ(delisted.size(), 1U);
  EXPECT_EQ(text_of(delisted[0], "subject"), "image-root-1");
  EXPECT_EQ(text_of(delisted[0], "holder"), "holder-1");
  const json::Value away = must({"key", "show", "image-root-4"});
  EXPECT_EQ(member(away, "within_reach"), json::Value(false));
  EXPECT_EQ(text_of(away, "custodian"), "holder-4");
  EXPECT_EQ(text_of(away, "scheme"), "ed25519");
  EXPECT_EQ(text_of(away, "store"), "file");
  EXPECT_EQ(text_of(away, "created"), text_of(listed[0], "created"));
  EXPECT_EQ(text_of(member(away, "key"), "scheme"), "ed25519");
  const json::Array all = entries("");
  EXPECT_EQ(text_of(*(all.end() - 1), "kind"), "publication") << "in one transaction with what they tell of";
  EXPECT_EQ(text_of(*(all.end() - 2), "kind"), "key-listed");
}

TEST_F(KeyEvents, TellOfASuppliersKeys) {
  const fs::path supplier = dir() / "acme";
  const std::string file = (dir() / "acme.json").string();
  const Ended key = run_cotter({"--json", "key", "generate", "--dir", supplier.string(), "--name", "acme-1"});
  ASSERT_TRUE(host::write_atomically(file, as_bytes(key.out)));
  const std::vector<std::string> holders = {"--sign-with", (off() / "holder-1").string(), "--sign-with",
                                            (off() / "holder-2").string()};
  std::vector<std::string> add = {"supplier",      "add",      "acme",  "--path", "acme/*/*",
                                  "--hardware-id", "acme-ecu", "--key", file};
  add.insert(add.end(), holders.begin(), holders.end());
  ASSERT_EQ(cotter(add).exit_code, kDone);
  const json::Array listed = entries("key-listed");
  ASSERT_EQ(listed.size(), 1U);
  EXPECT_EQ(text_of(listed[0], "subject"), "acme-1");
  EXPECT_EQ(text_of(listed[0], "holder"), "acme");
  EXPECT_EQ(text_of(listed[0], "role"), "image/acme");
  const json::Value away = must({"key", "show", "acme-1"});
  EXPECT_EQ(text_of(away, "custodian"), "acme");
  EXPECT_EQ(text_of(away, "scheme"), "ed25519");
  EXPECT_FALSE(member(away, "created").is_null());
  std::vector<std::string> remove = {"supplier", "remove", "acme"};
  remove.insert(remove.end(), holders.begin(), holders.end());
  ASSERT_EQ(cotter(remove).exit_code, kDone);
  EXPECT_EQ(entries("key-delisted").size(), 1U);
}

// Its supplier gave nothing but the key.
TEST_F(KeyEvents, KnowAKeyWithoutANameByItsSupplier) {
  const Ended generated = run_cotter({"--json", "key", "generate", "--dir", (dir() / "b").string(), "--name",
                                      "b", "--scheme", "ecdsa-sha2-nistp256"});
  ASSERT_EQ(generated.exit_code, kDone) << generated.err;
  const json::Value key = parsed(generated.out);
  const std::string file = (dir() / "b.json").string();
  ASSERT_TRUE(host::write_atomically(file, as_bytes(json::to_text(member(key, "key")))));
  ASSERT_EQ(
      cotter({"supplier", "add", "bolt", "--path", "bolt/*/*", "--hardware-id", "bolt-ecu", "--key", file,
              "--sign-with", (off() / "holder-1").string(), "--sign-with", (off() / "holder-2").string()})
          .exit_code,
      kDone);
  const json::Array told = entries("key-listed");
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(text_of(told[0], "holder"), "bolt");
  EXPECT_TRUE(member(told[0], "store").is_null());
  const json::Value all = must({"key", "list"});
  for (const json::Value& each : *member(all, "keys").as_array()) {
    if (text_of(each, "keyid") != text_of(key, "keyid")) continue;
    EXPECT_EQ(text_of(each, "custodian"), "bolt");
    EXPECT_EQ(text_of(each, "scheme"), "ecdsa-sha2-nistp256");
    return;
  }
  ADD_FAILURE() << "not listed";
}

TEST_F(KeyEvents, ListTheKeysOfTlsToo) {
  for (const char* name : {"pki-ca", "pki-server"}) {
    const json::Value key = must({"key", "show", name});
    EXPECT_EQ(text_of(key, "scheme"), "ecdsa-sha2-nistp256");
    EXPECT_EQ(text_of(key, "custodian"), "server");
    EXPECT_FALSE(member(key, "expires").is_null());
    EXPECT_TRUE(fs::exists(text_of(key, "file")));
    EXPECT_EQ(member(key, "dead"), json::Value(false));
  }
}

}  // namespace
}  // namespace cotter
