// cotter audit as an auditor meets it: words, JSON and exit codes of the real program.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/cli/words.h"
#include "tests/sim/temp_dir.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

/// One workspace with one published image for all tests here, copied for each.
class AuditCommand : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    made = std::make_unique<sim::TempDir>();
    const std::string off = (made->path() / "off").string();
    const std::string ws = (made->path() / "ws").string();
    ASSERT_EQ(run({"init", ws, "--offline-dir", off}).exit_code, kDone);
    const std::string image = (made->path() / "brake.bin").string();
    std::ofstream(image) << "brake firmware";
    const Ended published =
        run({"-C", ws, "publish", image, "--name", "brakes/brake.bin", "--hardware-id", "brake-mk4",
             "--version", "1.0", "--sign-with", off + "/holder-1", "--sign-with", off + "/holder-2"});
    ASSERT_EQ(published.exit_code, kDone) << published.err;
  }
  static void TearDownTestSuite() { made.reset(); }
  void SetUp() override { fs::copy(made->path(), folder(), fs::copy_options::recursive); }

  static Ended run(std::vector<std::string> arguments, bool with_passphrase = true) {
    world::Command command = cotter_command(std::move(arguments));
    if (!with_passphrase) command.environment.clear();
    return world::run(command).value();
  }
  /// No passphrase is at hand: reading verbs ask for none.
  [[nodiscard]] Ended audit(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"-C", (folder() / "ws").string(), "audit"});
    return run(std::move(arguments), false);
  }
  [[nodiscard]] fs::path folder() const { return temp_.path() / "all"; }
  [[nodiscard]] std::string kept(const std::string& name, const std::string& content) const {
    std::ofstream(folder() / name, std::ios::binary) << content;
    return (folder() / name).string();
  }
  [[nodiscard]] std::string vkey() const {
    const json::Value health = parsed(audit({"verify", "--json"}).out);
    return *member(health, "vkey").as_string();
  }
  void forge(const std::string& sql) const {
    host::Db db = storage::open_database(folder() / "ws" / "cotter.db").value();
    for (const char* trigger :
         {"ledger_entry_stays", "ledger_entry_remains", "ledger_hash_stays", "ledger_hash_remains"}) {
      ASSERT_TRUE(db.exec("DROP TRIGGER " + std::string(trigger)));
    }
    ASSERT_TRUE(db.exec(sql));
  }

 private:
  static std::unique_ptr<sim::TempDir> made;
  sim::TempDir temp_;
};
std::unique_ptr<sim::TempDir> AuditCommand::made;

TEST_F(AuditCommand, LogTellsOfKeysAndPublications) {
  const Ended ended = audit({"log", "--json", "--limit", "0"});
  ASSERT_EQ(ended.exit_code, kDone) << ended.err;
  const json::Value log = parsed(ended.out);
  std::map<std::string, int> kinds;
  for (const json::Value& entry : *member(log, "entries").as_array()) {
    ++kinds[std::string(member(entry, "kind").as_string()->view())];
  }
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"ceremony", 1},
                                               {"draft", 1},
                                               {"key-generated", 7 + 3 * 3},
                                               {"publication", 2 + 1},
                                               {"signature", 2}}));
  const Ended words = audit({"log", "--kind", "publication", "--subject", "image", "--limit", "1"});
  EXPECT_TRUE(has(words.out, "targets 2, snapshot 2, timestamp 2")) << words.out;
  EXPECT_TRUE(has(audit({"log", "--since", "2999-01-01T00:00:00Z"}).out, "no entries"));
  EXPECT_EQ(audit({"log", "--since", "yesterday"}).exit_code, kRefused);
}

TEST_F(AuditCommand, LogKnowsEveryKindThatIsDescribed) {
  const fs::path file = fs::path(COTTER_TEST_DATA).parent_path() / "schemas/ledger.md";
  std::string page(as_text(host::read_file(file, 1 << 20).value()));
  page = page.substr(page.find("\n## Entries"));
  const std::string help = audit({"log", "--help"}).out;
  const std::regex row("\n\\| `([a-z-]+)` \\| ");
  std::set<std::string> kinds;
  for (std::sregex_iterator at(page.begin(), page.end(), row), end; at != end; ++at)
    kinds.insert((*at)[1].str());
  EXPECT_GE(kinds.size(), 18U);
  for (const std::string& kind : kinds) {
    EXPECT_TRUE(has(help, kind)) << kind << "\n" << help;
    EXPECT_EQ(audit({"log", "--kind", kind}).exit_code, kDone) << kind;
  }
  EXPECT_EQ(audit({"log", "--kind", "refusals"}).exit_code, kUsage) << "no entries would be a wrong answer";
}

TEST_F(AuditCommand, ProofHoldsWithoutTheWorkspace) {
  const std::string key = vkey();
  const Ended proven = audit({"prove", "17"});
  ASSERT_EQ(proven.exit_code, kDone) << proven.err;
  const std::string file = kept("proof.json", proven.out);
  fs::remove_all(folder() / "ws");
  const Ended verified = run({"audit", "verify", "--proof", file, "--vkey", key}, false);
  EXPECT_EQ(verified.exit_code, kDone) << verified.err;
  EXPECT_TRUE(has(verified.out, "is entry 17 of the"));
  std::string altered = proven.out;
  altered.replace(altered.find("publication"), 11, "fabrication");
  EXPECT_EQ(
      run({"audit", "verify", "--proof", kept("altered.json", altered), "--vkey", key}, false).exit_code,
      kRefused);
  EXPECT_EQ(run({"audit", "verify", "--proof", file}, false).exit_code, kUsage) << "whose key?";
  EXPECT_EQ(audit({"prove", "1000"}).exit_code, kNotFound);
}

TEST_F(AuditCommand, VerifyFindsAForgedEntry) {
  const Ended good = audit({"verify"});
  EXPECT_EQ(good.exit_code, kDone) << good.out << good.err;
  EXPECT_TRUE(has(good.out, "the ledger holds"));
  forge("UPDATE ledger_entry SET body = CAST(replace(body, 'image', 'other') AS BLOB) WHERE kind = 'draft'");
  const Ended bad = audit({"verify"});
  EXPECT_EQ(bad.exit_code, kRefused);
  EXPECT_TRUE(has(bad.out, "the stored hashes are not those of the entries")) << bad.out;
}

TEST_F(AuditCommand, VerifyComparesWithAnExportedCheckpoint) {
  const std::string dir = (folder() / "export").string();
  ASSERT_EQ(audit({"export", dir}).exit_code, kDone);
  EXPECT_TRUE(fs::exists(folder() / "export" / "tile" / "entries" / "000.p"));
  const std::string checkpoint = dir + "/checkpoint";
  EXPECT_EQ(audit({"verify", "--against", checkpoint}).exit_code, kDone);
  forge(
      "DELETE FROM ledger_entry WHERE idx >= 10; DELETE FROM ledger_hash WHERE (position + 1) << level > 10;"
      "DELETE FROM ledger_checkpoint;");
  const Ended ended = audit({"verify", "--against", checkpoint, "--json"});
  EXPECT_EQ(ended.exit_code, kRefused);
  EXPECT_TRUE(has(ended.out, "the last ones were taken away")) << ended.out;
}

TEST_F(AuditCommand, NoCommandSignsRewrittenHistoryAndAllSaySo) {
  std::vector<ledger::Entry> entries;
  {
    host::Db db = storage::open_database(folder() / "ws" / "cotter.db").value();
    ASSERT_TRUE(storage::LedgerStore(db).each({}, [&](const storage::LedgerRow& row) -> Result<void> {
      entries.push_back(ledger::Entry::decode(row.body).value());
      return {};
    }));
  }
  entries[18].who = "account:mallory";
  forge("DELETE FROM ledger_entry; DELETE FROM ledger_hash; DELETE FROM ledger_checkpoint;");
  {
    host::Db db = storage::open_database(folder() / "ws" / "cotter.db").value();
    auto transaction = host::Transaction::begin(db).value();
    for (const ledger::Entry& entry : entries) ASSERT_TRUE(storage::LedgerStore(db).append(entry));
    ASSERT_TRUE(transaction.commit());
  }
  const std::string image = kept("other.bin", "other firmware");
  const Ended published =
      run({"-C", (folder() / "ws").string(), "publish", image, "--name", "brakes/other.bin", "--hardware-id",
           "brake-mk4", "--version", "1.0", "--sign-with", (folder() / "off/holder-1").string(),
           "--sign-with", (folder() / "off/holder-2").string()});
  EXPECT_EQ(published.exit_code, kDone) << "vehicles do not wait for it\n" << published.err;
  EXPECT_TRUE(has(published.err, "the ledger is not signed any more")) << published.err;
  const Ended verified = audit({"verify"});
  EXPECT_EQ(verified.exit_code, kRefused);
  EXPECT_TRUE(has(verified.out, "the checkpoint that the ledger's key signed last does not hold"))
      << verified.out;
  EXPECT_TRUE(has(verified.out, "the ledger does not hold")) << verified.out;
  EXPECT_EQ(audit({"export", (folder() / "export").string()}).exit_code, kNotFound) << "nothing was signed";
}

TEST_F(AuditCommand, SaysPlainlyThatAWorkspaceFromBeforeSignsNothing) {
  fs::remove(folder() / "ws" / "keys" / "ledger.key");
  const Ended verified = audit({"verify"});
  EXPECT_EQ(verified.exit_code, kDone);
  EXPECT_TRUE(has(verified.out, "not at all: this workspace has no key named ledger")) << verified.out;
  const Ended proven = audit({"prove", "0"});
  EXPECT_EQ(proven.exit_code, kNotFound);
  EXPECT_TRUE(has(proven.err, "cotter key generate --name ledger")) << proven.err;
}

TEST_F(AuditCommand, WorkspaceFromBeforeGetsItsKeyAndItsFirstCheckpoint) {
  fs::remove(folder() / "ws" / "keys" / "ledger.key");
  forge("DELETE FROM ledger_checkpoint");
  const Ended generated = run({"-C", (folder() / "ws").string(), "key", "generate", "--name", "ledger"});
  ASSERT_EQ(generated.exit_code, kDone) << generated.err;
  const json::Value health = parsed(audit({"verify", "--json"}).out);
  EXPECT_EQ(member(health, "healthy"), json::Value(true));
  EXPECT_EQ(member(health, "signed_entries"), member(health, "entries"));
  EXPECT_TRUE(has(audit({"log", "--kind", "key-generated", "--limit", "1"}).out, "ledger"));
}

}  // namespace
}  // namespace cotter
