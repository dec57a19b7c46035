// A supplier's whole life with the real programs over TLS: taken in, handing in, accepted, refused, let go.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/crypto/digest.h"
#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "server/app/audit_verify.h"
#include "server/app/submission_bundle.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"
#include "server/storage/sqlite/version_journal.h"
#include "tests/cli/words.h"
#include "tests/sim/https_client.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/stranger.h"
#include "tests/world/soft_token.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using sim::HttpsAsk;
using sim::HttpsReply;
using world::Daemon;
using world::Ended;

std::string read_text(const fs::path& file) {
  return std::string(as_text(host::read_file(file, 64 * 1024 * 1024).value()));
}
void write_text(const fs::path& file, std::string_view text) {
  COTTER_ASSERT(host::write_atomically(file, as_bytes(text)));
}
std::string sha256_hex(std::string_view text) { return to_hex(crypto::sha256(as_bytes(text))); }

/// One workspace and one server for all: making keys takes seconds.
class Supplier : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    ASSERT_EQ(run_cotter({"init", workspace().string(), "--offline-dir", holders().string()}).exit_code,
              kDone);
    for (const char* key : {"stranger-1", "sensors-1", "sensors-2"}) make_key(key);
    // One holder keeps his on a token.
    tokens = std::make_unique<world::SoftTokens>(at("softhsm"));
    ASSERT_TRUE(tokens->add("acme"));
    write_text(at("pin"), std::string(world::SoftTokens::kPin) + "\n");
    make_key("handed-3", {"--store", tokens->uri("acme", at("pin").string())});
    server = std::make_unique<Daemon>(start());
  }
  static void TearDownTestSuite() {
    server.reset();
    tokens.reset();
    folder.reset();
  }

  static fs::path at(const std::string& name) { return folder->path() / name; }
  static fs::path workspace() { return at("workspace"); }
  static fs::path holders() { return at("holders"); }
  static fs::path key(const std::string& name) { return at("keys") / (name + ".key"); }

  static Ended cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", workspace().string(), "--json"});
    return run_cotter(std::move(arguments));
  }
  static void make_key(const std::string& name, const std::vector<std::string>& more = {}) {
    std::vector<std::string> words{"--json", "key", "generate", "--dir", at("keys").string(), "--name", name};
    words.insert(words.end(), more.begin(), more.end());
    const Ended made = run_cotter(words);
    ASSERT_EQ(made.exit_code, kDone) << made.err;
    write_text(at(name + ".pub.json"), made.out);
  }
  static Daemon start() {
    world::Command command{COTTERD,
                           {"-C", workspace().string(), "--listen", "127.0.0.1:" + std::to_string(port)},
                           {{"COTTER_PASSPHRASE", "the workspace's words"}, {"COTTER_PASSPHRASE_HOLDER", ""}},
                           {}};
    command.log = at("cotterd.log");
    Daemon daemon = Daemon::start(command).value();
    const std::string line = daemon.read_line().value();
    url = line.substr(std::string("listening on ").size());
    port = std::stoi(url.substr(url.rfind(':') + 1));
    return daemon;
  }

  /// A supplier of two keys out of three, with a token of its own.
  static void take_in(const std::string& name, std::vector<std::string> more = {}) {
    std::vector<std::string> words{"supplier",
                                   "add",
                                   name,
                                   "--path",
                                   name + "/*/*",
                                   "--hardware-id",
                                   name + "-ecu",
                                   "--threshold",
                                   "2",
                                   "--sign-with",
                                   (holders() / "holder-1").string(),
                                   "--sign-with",
                                   (holders() / "holder-2").string()};
    for (const char* number : {"-1", "-2", "-3"}) {
      const std::string own = name + number;  // one role, one key
      if (!fs::exists(at(own + ".pub.json"))) make_key(own);
      words.insert(words.end(), {"--key", at(own + ".pub.json").string()});
    }
    words.insert(words.end(), more.begin(), more.end());
    const Ended added = cotter(words);
    ASSERT_EQ(added.exit_code, kDone) << added.err;
    ASSERT_EQ(text_of(parsed(added.out), "state"), "published") << added.out;
    token(name + "-ci", {"--role", "supplier", "--supplier", name});
  }
  static void token(const std::string& name, std::vector<std::string> more) {
    std::vector<std::string> words{"token", "add", name, "--out", at(name + ".token").string()};
    words.insert(words.end(), more.begin(), more.end());
    const Ended made = cotter(words);
    ASSERT_EQ(made.exit_code, kDone) << made.err;
  }
  static std::vector<std::string> submit_words(const std::string& supplier, std::vector<std::string> more) {
    std::vector<std::string> words{"--json",       "submit",
                                   "--supplier",   supplier,
                                   "--server",     url,
                                   "--ca",         (workspace() / "pki/ca.crt").string(),
                                   "--root",       (workspace() / "repo/1.root.json").string(),
                                   "--token-file", at(supplier + "-ci.token").string(),
                                   "--partial",    at(supplier + ".bundle.json").string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  }
  static Ended submit(const std::string& supplier, std::vector<std::string> more) {
    return run_cotter(submit_words(supplier, std::move(more)));
  }
  /// As the supplier would for its own image, with two of its keys.
  static std::vector<std::string> image(const std::string& supplier, const std::string& name,
                                        const std::string& content) {
    write_text(at("image.bin"), content);
    return {at("image.bin").string(),
            "--name",
            supplier + "/ecu/" + name,
            "--hardware-id",
            supplier + "-ecu",
            "--version",
            "1.0",
            "--key",
            key(supplier + "-1").string(),
            "--key",
            key(supplier + "-2").string()};
  }
  /// With an SBOM and a statement of provenance that name it.
  static std::vector<std::string> image_with_papers(const std::string& supplier, const std::string& content) {
    const std::string hash = sha256_hex(content);
    write_text(
        at("bom.cdx.json"),
        R"({"bomFormat":"CycloneDX","specVersion":"1.5","components":[{"type":"firmware","name":"app",)"
        R"("hashes":[{"alg":"SHA-256","content":")" +
            hash + R"("}],"evidence":{"confidence":0.5}}]})");
    write_text(
        at("statement.json"),
        R"({"_type":"https://in-toto.io/Statement/v1","predicateType":"https://slsa.dev/provenance/v1",)"
        R"("predicate":{},"subject":[{"name":"app","digest":{"sha256":")" +
            hash + R"("}}]})");
    auto words = image(supplier, "app.bin", content);
    words.insert(words.end(),
                 {"--sbom", at("bom.cdx.json").string(), "--provenance", at("statement.json").string()});
    return words;
  }
  static std::string id_of(const Ended& submitted) {
    EXPECT_EQ(submitted.exit_code, kDone) << submitted.err;
    EXPECT_EQ(text_of(parsed(submitted.out), "state"), "waiting");
    return text_of(parsed(submitted.out), "id");
  }
  static Result<trust::Found> find(const std::string& name) {
    const auto set = TRY(repository::read_as_client(workspace() / "repo", repository::kBeforeAnyExpiry));
    return repository::find_target(set, workspace() / "repo", TargetName(name));
  }
  static HttpsReply ask(const std::string& path, const std::string& token_file,
                        const std::string& method = "GET") {
    HttpsAsk what{.url = url + path, .method = method};
    what.ca = workspace() / "pki/ca.crt";
    if (!token_file.empty()) {
      std::string text = read_text(at(token_file));
      text.pop_back();
      what.headers = {"Authorization: Bearer " + text};
    }
    return sim::ask(what);
  }
  static std::vector<ledger::Entry> entries(std::string_view kind, const std::string& subject) {
    host::Db db = storage::open_database(workspace() / "cotter.db").value();
    std::vector<ledger::Entry> found;
    COTTER_ASSERT(storage::LedgerStore(db).each({std::string(kind), subject},
                                                [&](const storage::LedgerRow& row) -> Result<void> {
                                                  found.push_back(ledger::Entry::decode(row.body).value());
                                                  return {};
                                                }));
    return found;
  }

  static inline std::unique_ptr<sim::TempDir> folder;
  static inline std::unique_ptr<world::SoftTokens> tokens;
  static inline std::unique_ptr<Daemon> server;
  static inline std::string url;
  static inline int port = 0;
};

TEST_F(Supplier, HandsInAndIsPublishedOnceSomebodyAcceptsIt) {  // IMG-3, IMG-7, IMG-10
  take_in("plain");
  const std::string id = id_of(submit("plain", image("plain", "app.bin", "first build")));
  EXPECT_FALSE(find("plain/ecu/app.bin")) << "nothing is published before somebody accepts it";
  const Ended accepted = cotter({"supplier", "accept", id});
  ASSERT_EQ(accepted.exit_code, kDone) << accepted.err;
  const auto found = find("plain/ecu/app.bin");
  ASSERT_TRUE(found) << summary(found.error());
  EXPECT_EQ(found->role.value(), "plain");
  EXPECT_EQ(read_text(workspace() / "repo/targets/plain/ecu" / (sha256_hex("first build") + ".app.bin")),
            "first build");
  EXPECT_FALSE(fs::exists(workspace() / "submissions" / id));
  ASSERT_EQ(entries(ledger::kUpload, "plain").size(), 1U);
  EXPECT_EQ(entries(ledger::kUpload, "plain").front().who, "token:plain-ci");
  EXPECT_EQ(entries(ledger::kAcceptance, "plain").size(), 1U);
  EXPECT_EQ(cotter({"supplier", "accept", id}).exit_code, kFailed) << "once is enough";
  // The next one stands beside the first.
  const std::string next = id_of(submit("plain", image("plain", "boot.bin", "second build")));
  ASSERT_EQ(cotter({"supplier", "accept", next}).exit_code, kDone);
  EXPECT_TRUE(find("plain/ecu/app.bin"));
  EXPECT_TRUE(find("plain/ecu/boot.bin"));
  EXPECT_EQ(cotter({"check"}).exit_code, kDone);
  EXPECT_EQ(cotter({"audit", "verify"}).exit_code, kDone);
}

std::vector<std::string> files_of(const std::string& supplier, const fs::path& dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    if (has(name, "." + supplier + ".") || has(name, "." + supplier + "-")) names.push_back(name);
  }
  return names;
}

TEST_F(Supplier, WithHashedBinsHandsInTheBinsThatChange) {
  take_in("split", {"--expected-targets", "500"});
  const fs::path repo = workspace() / "repo";
  auto first = image("split", "app.bin", "in a bin");
  first.resize(first.size() - 2);  // one key
  ASSERT_EQ(submit("split", first).exit_code, kDone);
  const auto bundle = app::SubmissionBundle::read(at("split.bundle.json")).value();
  app::SubmissionBundle altered = bundle;
  ASSERT_NE(altered.own(), nullptr);
  altered.metadata.front().targets.delegations->succinct->keys.threshold = 1;
  ASSERT_TRUE(altered.write(at("split.bundle.json")));
  const Ended blind = submit("split", {"--key", key("split-2").string()});
  EXPECT_EQ(blind.exit_code, kRefused) << "whoever passed it on would sign the bins alone";
  EXPECT_TRUE(has(blind.err, "not to be signed")) << blind.err;
  ASSERT_TRUE(bundle.write(at("split.bundle.json")));
  const Ended second = submit("split", {"--key", key("split-2").string()});
  ASSERT_EQ(cotter({"supplier", "accept", id_of(second)}).exit_code, kDone);
  const auto found = find("split/ecu/app.bin");
  ASSERT_TRUE(found) << summary(found.error());
  EXPECT_TRUE(found->role.value().starts_with("split-")) << found->role.value();
  for (const char* file : {"1.split.json", "1.split-0.json", "1.split-3.json"})
    EXPECT_TRUE(fs::exists(repo / file)) << file;

  auto half = image("split", "boot.bin", "in a bin too");
  half.resize(half.size() - 2);  // one key
  const Ended passed_on = submit("split", half);
  ASSERT_EQ(passed_on.exit_code, kDone) << passed_on.err;
  EXPECT_EQ(text_of(parsed(passed_on.out), "state"), "awaiting");
  const Ended whole = submit("split", {"--key", key("split-3").string()});
  ASSERT_EQ(cotter({"supplier", "accept", id_of(whole)}).exit_code, kDone);
  EXPECT_TRUE(find("split/ecu/app.bin"));
  EXPECT_TRUE(find("split/ecu/boot.bin"));
  EXPECT_FALSE(fs::exists(repo / "2.split.json")) << "who signs has not changed";

  const Ended renewed = submit("split", {"--renew", "--metadata-version", "5", "--key",
                                         key("split-1").string(), "--key", key("split-2").string()});
  ASSERT_EQ(cotter({"supplier", "accept", id_of(renewed)}).exit_code, kDone);
  for (const char* file : {"5.split.json", "5.split-0.json", "5.split-3.json"})
    EXPECT_TRUE(fs::exists(repo / file)) << file;
  EXPECT_EQ(cotter({"check"}).exit_code, kDone);
  EXPECT_EQ(cotter({"audit", "verify"}).exit_code, kDone);
  const Ended traced = cotter({"trace", "split/ecu/app.bin"});
  ASSERT_EQ(traced.exit_code, kDone) << traced.err;
  EXPECT_TRUE(has(traced.out, "split-ci")) << traced.out;
  const Ended who = cotter({"who-can-sign", "split/ecu/app.bin"});
  EXPECT_EQ(who.exit_code, kDone) << who.err;
  EXPECT_TRUE(has(who.out, "split")) << who.out;

  const Ended removed =
      cotter({"supplier", "remove", "split", "--sign-with", (holders() / "holder-1").string(), "--sign-with",
              (holders() / "holder-2").string()});
  ASSERT_EQ(removed.exit_code, kDone) << removed.err;
  EXPECT_FALSE(find("split/ecu/app.bin"));
  EXPECT_TRUE(files_of("split", repo).empty()) << testing::PrintToString(files_of("split", repo));
  EXPECT_EQ(cotter({"check"}).exit_code, kDone);
  EXPECT_EQ(cotter({"trace", "split/ecu/app.bin"}).exit_code, kDone);
}

TEST_F(Supplier, DropsAnImageThatItListedBefore) {
  take_in("whole");
  take_in("sliced", {"--expected-targets", "500"});
  for (const std::string& name : {std::string("whole"), std::string("sliced")}) {
    for (const char* file : {"app.bin", "boot.bin"}) {
      const std::string id = id_of(submit(name, image(name, file, name + file)));
      ASSERT_EQ(cotter({"supplier", "accept", id}).exit_code, kDone);
    }
    const std::string app = name + "/ecu/app.bin";
    const std::vector<std::string> keys{"--key", key(name + "-1").string(), "--key",
                                        key(name + "-2").string()};
    const auto drop = [&](const std::string& image_name) {
      std::vector<std::string> words{"--drop", image_name};
      words.insert(words.end(), keys.begin(), keys.end());
      return submit(name, words);
    };
    EXPECT_EQ(drop(name + "/ecu/none.bin").exit_code, kNotFound);
    auto both = image(name, "app.bin", "another build");
    both.insert(both.end(), {"--drop", app});
    EXPECT_EQ(submit(name, both).exit_code, kUsage) << "which of the two is meant?";

    const std::string id = id_of(drop(app));
    EXPECT_TRUE(has(cotter({"supplier", "show", id}).out, "it no longer lists " + app));
    EXPECT_TRUE(find(app)) << "nobody has accepted it yet";
    const Ended accepted = cotter({"supplier", "accept", id});
    ASSERT_EQ(accepted.exit_code, kDone) << accepted.err << accepted.out;
    EXPECT_FALSE(find(app));
    EXPECT_TRUE(find(name + "/ecu/boot.bin"));
  }
  EXPECT_EQ(cotter({"check"}).exit_code, kDone);

  // A stranger to whom the keys are proved gets both files, and what vouches for the one beside its bins.
  const Ended proved = cotter({"key", "list", "--proofs", at("proved-keys").string()});
  ASSERT_EQ(proved.exit_code, kDone) << proved.err;
  for (const char* file : {"3.whole.json", "1.sliced.json", "1.sliced.release"})
    EXPECT_TRUE(fs::exists(at("proved-keys") / file)) << file;
  const json::Value forecast = parsed(read_text(at("proved-keys") / "forecast.json"));
  std::size_t seen = 0;
  for (const json::Value& line : *member(forecast, "roles").as_array()) {
    const std::string role = text_of(line, "role");
    if (role != "image/whole" && role != "image/sliced") continue;
    ++seen;
    EXPECT_EQ(member(line, "threshold"), json::Value(2)) << role;
    EXPECT_EQ(member(line, "expires").is_null(), member(line, "bins") == json::Value(true)) << role;
  }
  EXPECT_EQ(seen, 3U) << "two files, and bins";
}

TEST_F(Supplier, HasItsImagesShownToWhoeverAccepts) {
  take_in("seen");
  auto words = image("seen", "app.bin", "to be seen");
  words.insert(words.end(), {"--release-counter", "41"});
  const std::string id = id_of(submit("seen", words));
  const std::string sha256 = sha256_hex("to be seen");
  const auto people = [](std::vector<std::string> verb) {
    verb.insert(verb.begin(), {"-C", workspace().string(), "supplier"});
    return run_cotter(std::move(verb));
  };
  const std::string line =
      "seen/ecu/app.bin for seen-ecu, release counter 41, version 1.0, 10 bytes, SHA-256 " + sha256;
  for (const std::vector<std::string>& verb : {std::vector<std::string>{"list"}, {"show", id}}) {
    const Ended told = people(verb);
    EXPECT_TRUE(has(told.out, line)) << told.out << told.err;
  }
  const Ended shown = cotter({"supplier", "show", id});
  for (const std::string& part : {std::string("\"release_counter\": 41"), "\"sha256\": \"" + sha256 + "\"",
                                  std::string("\"hardware_ids\""), std::string("\"length\": 10"),
                                  std::string("\"version\": \"1.0\"")}) {
    EXPECT_TRUE(has(shown.out, part)) << part << "\n" << shown.out << shown.err;
    EXPECT_TRUE(has(cotter({"supplier", "list"}).out, part)) << part;
  }
  EXPECT_EQ(cotter({"supplier", "show", std::string(32, '0')}).exit_code, kNotFound);
  const Ended accepted = people({"accept", id});
  EXPECT_EQ(accepted.exit_code, kDone) << accepted.err;
  EXPECT_TRUE(has(accepted.out, line)) << accepted.out;
}

TEST_F(Supplier, HearsAllThatIsWrongAtOnce) {  // IMG-3, IMG-7
  take_in("strict", {"--sbom", "--provenance", "--version-floor", "7", "--expires-ceiling", "30d"});
  write_text(at("image.bin"), "a build");
  write_text(at("bad.json"), "{\"bomFormat\":\"SPDX\"}");
  const Ended refused =
      submit("strict", {at("image.bin").string(), "--name", "plain/ecu/app.bin", "--hardware-id", "plain-ecu",
                        "--version", "1", "--expires", "60d", "--sbom", at("bad.json").string(), "--key",
                        key("strict-1").string(), "--key", key("strict-2").string()});
  EXPECT_EQ(refused.exit_code, kRefused);
  for (const char* part : {"no name that strict may list", "makes nothing for", "below the floor",
                           "it lives until", "SBOM: ", "no SBOM names", "no good statement of provenance"}) {
    EXPECT_TRUE(has(refused.err, part)) << part << "\n" << refused.err;
  }
  EXPECT_EQ(entries(ledger::kRefusal, "strict").size(), 1U);
}

TEST_F(Supplier, SignsALaterVersionWhereOneWasSpentInVain) {
  take_in("spent");
  {
    host::Db db = storage::open_database(workspace() / "cotter.db").value();
    ASSERT_TRUE(storage::VersionJournal(db).note({Repository::Image, std::nullopt}, RoleName("spent"),
                                                 Version(1), as_bytes("never published")));
  }
  auto words = image("spent", "app.bin", "the next");
  const Ended refused = submit("spent", words);
  EXPECT_EQ(refused.exit_code, kRefused);
  EXPECT_TRUE(has(refused.err, "cotter submit --metadata-version 2")) << refused.err;
  words.insert(words.end(), {"--metadata-version", "2"});
  ASSERT_EQ(cotter({"supplier", "accept", id_of(submit("spent", words))}).exit_code, kDone);
  EXPECT_TRUE(fs::exists(workspace() / "repo/2.spent.json"));
}

TEST_F(Supplier, HandsInSbomAndProvenanceThatNameTheImage) {
  take_in("papers", {"--sbom", "--provenance"});
  const std::string id = id_of(submit("papers", image_with_papers("papers", "a build with papers")));
  EXPECT_EQ(cotter({"supplier", "accept", id}).exit_code, kDone);
}

/// What an auditor gets: who handed in and who accepted, the papers, and proof of each for who has no
/// workspace.
TEST_F(Supplier, LeavesPapersAndProofsToWhoeverAuditsTheImage) {
  take_in("proved", {"--sbom", "--provenance"});
  const std::string id = id_of(submit("proved", image_with_papers("proved", "a build to audit")));
  ASSERT_EQ(cotter({"supplier", "accept", id}).exit_code, kDone);
  const fs::path dir = at("proofs");
  const Ended traced = cotter({"trace", "proved/ecu/app.bin", "--proofs", dir.string()});
  ASSERT_EQ(traced.exit_code, kDone) << traced.out << traced.err;
  const json::Value told = parsed(traced.out);
  const std::string vkey = text_of(parsed(cotter({"audit", "verify"}).out), "vkey");
  const json::Value& artifact = member(told, "artifacts").as_array()->at(0);

  const json::Array& handed_in = *member(artifact, "handed_in").as_array();
  ASSERT_EQ(handed_in.size(), 2U);
  EXPECT_EQ(text_of(handed_in.at(0), "kind"), "upload");
  EXPECT_EQ(text_of(handed_in.at(1), "kind"), "acceptance");
  const json::Array& papers = *member(artifact, "papers").as_array();
  ASSERT_EQ(papers.size(), 2U) << traced.out;
  const auto entry_file = [&](const json::Value& step) {
    return dir / ("entry-" + std::to_string(*member(step, "entry").as_int()) + ".json");
  };
  for (const json::Value& step : handed_in) {
    const Ended held = run_cotter({"audit", "verify", "--proof", entry_file(step).string(), "--vkey", vkey});
    EXPECT_EQ(held.exit_code, kDone) << held.err;
    for (const json::Value& paper : papers)
      EXPECT_TRUE(has(read_text(entry_file(step)), text_of(paper, "sha256"))) << text_of(step, "kind");
  }
  const Ended in_words = run_cotter({"-C", workspace().string(), "trace", "proved/ecu/app.bin"});
  for (const json::Value& paper : papers) {
    const std::string sha256 = text_of(paper, "sha256");
    EXPECT_TRUE(has(in_words.out, text_of(paper, "kind") + " " + sha256)) << in_words.out;
    EXPECT_EQ(sha256_hex(read_text(dir / (sha256 + "." + text_of(paper, "kind") + ".json"))), sha256);
  }
  EXPECT_TRUE(fs::exists(dir / (sha256_hex(read_text(at("bom.cdx.json"))) + ".sbom.json")));

  test::Stranger::Files files = test::Stranger::folder(dir);
  EXPECT_EQ(test::Stranger::doubts(files, vkey), "");
  EXPECT_EQ(test::Stranger::fooled_by(files, vkey, 211), "");
  ASSERT_EQ(files.erase("1.root.json"), 1U);
  EXPECT_NE(test::Stranger::doubts(files, vkey), "");
}

TEST_F(Supplier, PassesTheBundleOnUntilEnoughHaveSigned) {
  take_in("handed");
  auto words = image("handed", "app.bin", "signed by two");
  words.resize(words.size() - 2);
  const Ended first = submit("handed", words);
  ASSERT_EQ(first.exit_code, kDone) << first.err;
  EXPECT_EQ(text_of(parsed(first.out), "state"), "awaiting");
  const Ended stranger = submit("handed", {"--key", key("stranger-1").string()});
  EXPECT_EQ(stranger.exit_code, kRefused) << stranger.err;
  const auto bundle = app::SubmissionBundle::read(at("handed.bundle.json")).value();
  app::SubmissionBundle twofold = bundle;
  twofold.metadata.push_back(twofold.metadata.front());
  twofold.metadata.back().roles = {RoleName("handed-0")};
  ASSERT_TRUE(twofold.write(at("handed.bundle.json")));
  const Ended blind = submit("handed", {"--key", key("handed-3").string()});
  EXPECT_TRUE(has(blind.err, "not to be signed")) << blind.exit_code << blind.err;
  ASSERT_TRUE(bundle.write(at("handed.bundle.json")));
  id_of(submit("handed", {"--key", key("handed-3").string()}));
}

TEST_F(Supplier, NeedsTwoPeopleWhereThePolicySaysSo) {
  take_in("careful", {"--two-person"});
  for (const char* name : {"alice", "bob"}) token(name, {"--role", "operator"});
  const std::string id = id_of(submit("careful", image("careful", "app.bin", "two people")));
  EXPECT_EQ(cotter({"supplier", "accept", id}).exit_code, kRefused) << "an account is no person";
  const auto accept = [&](const std::string& who) {
    return cotter({"supplier", "accept", id, "--token-file", at(who + ".token").string()});
  };
  EXPECT_EQ(accept("careful-ci").exit_code, kRefused) << "a supplier accepts nothing";
  const Ended first = accept("alice");
  ASSERT_EQ(first.exit_code, kDone) << first.err;
  EXPECT_EQ(text_of(parsed(first.out), "state"), "waiting");
  EXPECT_EQ(accept("alice").exit_code, kRefused) << "nobody is two people";
  EXPECT_FALSE(find("careful/ecu/app.bin"));
  EXPECT_EQ(text_of(parsed(accept("bob").out), "state"), "accepted");
  EXPECT_TRUE(find("careful/ecu/app.bin"));
  std::vector<std::string> who;
  for (const ledger::Entry& entry : entries(ledger::kAcceptance, "careful")) who.push_back(entry.who);
  EXPECT_EQ(who, (std::vector<std::string>{"token:alice", "token:bob"}));
}

TEST_F(Supplier, IsToldWhySomebodySaidNo) {
  take_in("denied");
  const std::string id = id_of(submit("denied", image("denied", "app.bin", "no")));
  ASSERT_EQ(cotter({"supplier", "reject", id, "--reason", "not this week"}).exit_code, kDone);
  const HttpsReply reply = ask("/api/v1/submissions/" + id, "denied-ci.token");
  EXPECT_TRUE(has(reply.body, "not this week")) << reply.body;
  EXPECT_EQ(cotter({"supplier", "accept", id}).exit_code, kFailed);
  EXPECT_FALSE(find("denied/ecu/app.bin"));
}

TEST_F(Supplier, GoesOnWhereItWasAfterServerAndClientWereKilled) {
  take_in("steady");
  const std::string content(24 * 1024 * 1024, 's');
  world::Command command = cotter_command(submit_words("steady", image("steady", "big.bin", content)));
  Daemon client = Daemon::start(command).value();
  const auto part = [&]() -> std::uintmax_t {
    std::uintmax_t most = 0;
    std::error_code ignored;
    if (!fs::exists(workspace() / "submissions")) return 0;
    for (const auto& entry : fs::recursive_directory_iterator(workspace() / "submissions", ignored)) {
      if (entry.path().extension() == ".part") most = std::max(most, entry.file_size(ignored));
    }
    return most;
  };
  while (part() < 3 * 1024 * 1024 && client.running()) std::this_thread::yield();
  server->kill();
  client.kill();
  const std::uintmax_t held = part();
  ASSERT_GE(held, 3U * 1024 * 1024);
  ASSERT_LT(held, content.size());
  server = std::make_unique<Daemon>(start());
  const std::string id = id_of(submit("steady", {}));
  ASSERT_EQ(cotter({"supplier", "accept", id}).exit_code, kDone);
  EXPECT_EQ(read_text(workspace() / "repo/targets/steady/ecu" / (sha256_hex(content) + ".big.bin")), content);
}

TEST_F(Supplier, IsOutAtOnceAndItsImagesWithTheDelegation) {  // IMG-13
  take_in("gone");
  ASSERT_EQ(
      cotter({"supplier", "accept", id_of(submit("gone", image("gone", "app.bin", "going")))}).exit_code,
      kDone);
  const std::string waiting = id_of(submit("gone", image("gone", "next.bin", "too late")));
  const Ended first =
      cotter({"supplier", "remove", "gone", "--sign-with", (holders() / "holder-1").string()});
  ASSERT_EQ(first.exit_code, kDone) << first.err;
  EXPECT_EQ(text_of(parsed(first.out), "state"), "awaiting-signatures");
  EXPECT_EQ(ask("/api/v1/submissions", "gone-ci.token").status, 401);
  EXPECT_EQ(cotter({"supplier", "accept", waiting}).exit_code, kFailed);
  EXPECT_TRUE(find("gone/ecu/app.bin")) << "only its holders can take the delegation back";
  const Ended second =
      cotter({"supplier", "remove", "gone", "--sign-with", (holders() / "holder-3").string()});
  ASSERT_EQ(text_of(parsed(second.out), "state"), "published") << second.err;
  EXPECT_FALSE(find("gone/ecu/app.bin"));
  EXPECT_FALSE(fs::exists(workspace() / "repo/targets/gone/ecu" / (sha256_hex("going") + ".app.bin")));
  const auto set = repository::read_as_client(workspace() / "repo", repository::kBeforeAnyExpiry).value();
  EXPECT_TRUE(set.listed(RoleName("gone"))) << "a client would take its absence for a rollback";
  EXPECT_FALSE(fs::exists(workspace() / "repo/1.gone.json"));
  EXPECT_TRUE(fs::exists(workspace() / "removed/1.gone.json"));
  const Ended checked = cotter({"check"});
  EXPECT_EQ(checked.exit_code, kDone) << checked.out << checked.err;
}

TEST_F(Supplier, LetsOneOfItsOwnSignUntilItNoLongerDoes) {  // IMG-3, IMG-10, IMG-13
  take_in("tier", {"--may-delegate"});
  const std::vector<std::string> signing{"--key", key("tier-1").string(), "--key", key("tier-2").string()};
  const auto delegating = [&](const std::string& path) {
    std::vector<std::string> words{"--delegate",
                                   "tier-sensors",
                                   "--delegate-path",
                                   path,
                                   "--delegate-hardware-id",
                                   "tier-ecu",
                                   "--delegate-threshold",
                                   "2"};
    for (const char* name : {"sensors-1", "sensors-2"})
      words.insert(words.end(), {"--delegate-key", at(std::string(name) + ".pub.json").string()});
    words.insert(words.end(), signing.begin(), signing.end());
    return submit("tier", words);
  };
  const Ended beyond = delegating("plain/*/*");
  EXPECT_EQ(beyond.exit_code, kRefused);
  EXPECT_TRUE(has(beyond.err, "not within the paths of tier")) << beyond.err;
  EXPECT_EQ(cotter({"token", "add", "early", "--role", "supplier", "--supplier", "tier-sensors"}).exit_code,
            kNotFound)
      << "nothing lets it sign yet";
  const Ended accepted = cotter({"supplier", "accept", id_of(delegating("tier/sensors/*"))});
  ASSERT_EQ(accepted.exit_code, kDone) << accepted.err;
  EXPECT_TRUE(has(accepted.out, "tier lets tier-sensors sign tier/sensors/* for tier-ecu")) << accepted.out;

  token("tier-sensors-ci", {"--role", "supplier", "--supplier", "tier-sensors"});
  write_text(at("sensors.bin"), "of the sensors");
  const auto hand_in = [&](const std::string& name) {
    return submit("tier-sensors",
                  {at("sensors.bin").string(), "--name", name, "--hardware-id", "tier-ecu", "--version",
                   "1.0", "--key", key("sensors-1").string(), "--key", key("sensors-2").string()});
  };
  const Ended outside = hand_in("tier/ecu/app.bin");
  EXPECT_EQ(outside.exit_code, kRefused);
  EXPECT_TRUE(has(outside.err, "no name that tier-sensors may list")) << outside.err;
  const std::string id = id_of(hand_in("tier/sensors/app.bin"));
  EXPECT_EQ(ask("/api/v1/submissions/" + id, "tier-ci.token").status, 404) << "each sees his own";
  ASSERT_EQ(cotter({"supplier", "accept", id}).exit_code, kDone);
  const auto found = find("tier/sensors/app.bin");
  ASSERT_TRUE(found) << summary(found.error());
  EXPECT_EQ(found->role.value(), "tier-sensors");
  const Ended who = cotter({"who-can-sign", "tier/sensors/app.bin", "--hardware-id", "tier-ecu"});
  EXPECT_EQ(who.exit_code, kDone) << who.err;
  EXPECT_TRUE(has(who.out, "tier-sensors")) << who.out;
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"key", "forecast"}, {"trace", "tier/sensors/app.bin"}}) {
    const Ended told = cotter(words);
    EXPECT_TRUE(has(told.out, "tier-sensors")) << words.front() << told.out << told.err;
  }
  EXPECT_EQ(cotter({"check"}).exit_code, kDone);

  std::vector<std::string> ending{"--end-delegation", "tier-sensors"};
  ending.insert(ending.end(), signing.begin(), signing.end());
  const std::string last = id_of(submit("tier", ending));
  const Ended shown = run_cotter({"-C", workspace().string(), "supplier", "list"});
  EXPECT_TRUE(has(shown.out, last + ": tier no longer lets tier-sensors sign tier/sensors/* for tier-ecu"))
      << shown.out;
  ASSERT_EQ(cotter({"supplier", "accept", last}).exit_code, kDone);
  EXPECT_FALSE(find("tier/sensors/app.bin"));
  EXPECT_EQ(ask("/api/v1/submissions", "tier-sensors-ci.token").status, 401);
  EXPECT_EQ(ask("/api/v1/submissions", "tier-ci.token").status, 200);
  const Ended checked = cotter({"check"});
  EXPECT_EQ(checked.exit_code, kDone) << checked.out << checked.err;
}

TEST_F(Supplier, NeedsATokenAndNoTokenIsInTheLog) {  // IMG-2
  take_in("quiet");
  EXPECT_EQ(ask("/api/v1/submissions", "").status, 401);
  EXPECT_EQ(ask("/api/v1/repo/timestamp.json", "").status, 401);
  EXPECT_EQ(ask("/repo/timestamp.json", "quiet-ci.token").status, 401) << "a token is no certificate";
  EXPECT_EQ(ask("/director/timestamp.json", "quiet-ci.token").status, 401);
  EXPECT_EQ(ask("/api/v1/repo/timestamp.json", "quiet-ci.token").status, 200);
  EXPECT_EQ(ask("/api/v1/submissions", "quiet-ci.token").status, 200);
  struct stat status {};
  ASSERT_EQ(::stat(at("quiet-ci.token").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  std::string text = read_text(at("quiet-ci.token"));
  text.pop_back();
  EXPECT_FALSE(has(read_text(at("cotterd.log")), text));
  ASSERT_EQ(cotter({"token", "revoke", "quiet-ci"}).exit_code, kDone);
  EXPECT_EQ(ask("/api/v1/submissions", "quiet-ci.token").status, 401);
}

}  // namespace
}  // namespace cotter
