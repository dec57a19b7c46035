// cotter key list --proofs, and forecast, as an auditor meets them: a release role, a supplier, a director's
// second root; and whoever has the folder and the log's key alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "server/app/director_roots.h"
#include "server/app/live_roles.h"
#include "server/app/proven_keys.h"
#include "server/app/role_forecast.h"
#include "server/ledger/note.h"
#include "server/ledger/proof.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"
#include "tests/cli/words.h"
#include "tests/sim/temp_dir.h"

namespace cotter {
namespace {

namespace fs = std::filesystem;
using world::Ended;

class KeyProofs : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder = std::make_unique<sim::TempDir>();
    ASSERT_EQ(run_cotter({"init", (folder->path() / "ws").string(), "--offline-dir", off()}).exit_code,
              kDone);
    must({"key", "generate", "--name", "image-fw", "--role", "image/fw"});
    must({"release", "init-role", "fw", "--paths", "fw/*", "--bit-length", "1", "--sign-with", holder(1),
          "--sign-with", holder(2)});
    const Ended bolt =
        run_cotter({"--json", "key", "generate", "--dir", (folder->path() / "bolt").string(), "--name", "b"});
    ASSERT_EQ(bolt.exit_code, kDone) << bolt.err;
    const fs::path key = folder->path() / "bolt.json";
    ASSERT_TRUE(host::write_atomically(key, as_bytes(json::to_text(member(parsed(bolt.out), "key")))));
    must({"supplier", "add", "bolt", "--path", "bolt/*/*", "--hardware-id", "bolt-ecu", "--key", key.string(),
          "--sign-with", holder(1), "--sign-with", holder(2)});
    const json::Value opened = must({"ceremony", "open", "root", "--repository", "director"});
    const std::string bundle = text_of(opened, "bundle");
    must({"ceremony", "sign", bundle, "--sign-with", holder(1), "--sign-with", holder(2), "--hash",
          text_of(opened, "hash")});
    must({"ceremony", "close", bundle});
    vkey = text_of(must({"audit", "verify"}), "vkey");
    told = must({"key", "list", "--proofs", proofs().string()});
  }
  static void TearDownTestSuite() { folder.reset(); }

  static std::string off() { return (folder->path() / "off").string(); }
  static std::string holder(int number) { return off() + "/holder-" + std::to_string(number); }
  static fs::path proofs() { return folder->path() / "proofs"; }
  static Ended cotter(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"-C", (folder->path() / "ws").string(), "--json"});
    return run_cotter(std::move(arguments));
  }
  static json::Value must(std::vector<std::string> arguments, int exit_code = kDone) {
    const Ended ended = cotter(std::move(arguments));
    EXPECT_EQ(ended.exit_code, exit_code) << ended.err << ended.out;
    return ended.exit_code == exit_code ? parsed(ended.out) : json::Value(json::Object());
  }
  /// No workspace, no network: the folder and the log's key.
  static Ended stranger(const fs::path& dir) {
    return run_cotter({"--json", "audit", "verify", "--proofs", dir.string(), "--vkey", vkey});
  }
  /// What is wrong with the folder, as the same code says it without a process.
  static std::vector<std::string> problems(const fs::path& dir) {
    const auto proven = app::read_proven_keys(dir, ledger::VerifierKey::parse(vkey).value());
    return proven ? proven->problems : std::vector<std::string>{explain(proven.error())};
  }
  static bool has_problem(const fs::path& dir, std::string_view part) {
    const auto found = problems(dir);
    return std::ranges::any_of(found, [&](const std::string& each) { return has(each, part); });
  }
  static std::map<std::string, Bytes> files_in(const fs::path& dir) {
    std::map<std::string, Bytes> files;
    for (const auto& entry : fs::recursive_directory_iterator(dir)) {
      if (entry.is_regular_file())
        files[entry.path().lexically_relative(dir).generic_string()] =
            host::read_file(entry.path(), 1U << 26U).value();
    }
    return files;
  }
  /// Of the folder, to be altered.
  [[nodiscard]] fs::path copied() const {
    fs::copy(proofs(), temp_.path() / "copy", fs::copy_options::recursive);
    return temp_.path() / "copy";
  }
  /// The entry files that tell of this key.
  static std::vector<std::string> events_of(const std::string& name) {
    std::vector<std::string> files;
    for (const auto& [file, bytes] : files_in(proofs())) {
      if (file.starts_with("entry-") && has(std::string(as_text(bytes)), "\"subject\": \"" + name + "\""))
        files.push_back(file);
    }
    return files;
  }

  /// Writes the lists anew, as they follow from what is in the folder: what somebody does who left files out.
  static void forge_lists(const fs::path& dir) {
    const auto key = ledger::VerifierKey::parse(vkey).value();
    app::ProvenEntries entries;
    for (const auto& [name, bytes] : files_in(dir)) {
      if (!name.starts_with("entry-")) continue;
      const ledger::Proof proof = ledger::Proof::decode(bytes).value();
      entries.emplace(proof.index, proof.entry);
    }
    repository::FolderTransport transport(dir);
    auto image = repository::read_as_client(transport, repository::kBeforeAnyExpiry).value();
    const auto director = app::DirectorRoots::read(dir / "director").value();
    const auto roles = app::live_roles(std::move(image), transport, &director.newest()).value();
    const UtcTime at = parse_utc(text_of(list_in(dir, "forecast.json"), "at")).value();
    for (const auto& [name, list] : {std::pair("keys.json", app::key_list(entries, roles, key)),
                                     std::pair("forecast.json", app::role_forecast(roles, key.name(), at))})
      ASSERT_TRUE(host::write_atomically(dir / name, as_bytes(json::to_pretty_text(list))));
  }
  static json::Value list_in(const fs::path& dir, const char* name) {
    return parsed(std::string(as_text(host::read_file(dir / name, 1U << 20U).value())));
  }

  static std::unique_ptr<sim::TempDir> folder;
  static std::string vkey;
  static json::Value told;  ///< what the list said beside the proofs

 private:
  sim::TempDir temp_;
};
std::unique_ptr<sim::TempDir> KeyProofs::folder;
std::string KeyProofs::vkey;
json::Value KeyProofs::told;

/// By key id, the roles that list it.
std::map<std::string, std::set<std::string>> roles_by_key(const json::Array& keys, const char* member_name) {
  std::map<std::string, std::set<std::string>> all;
  for (const json::Value& key : keys) {
    std::set<std::string> roles;
    for (const json::Value& use : *member(key, member_name).as_array()) roles.insert(text_of(use, "role"));
    if (!roles.empty()) all[text_of(key, "keyid")] = std::move(roles);
  }
  return all;
}

TEST_F(KeyProofs, TellAStrangerWhatTheListTells) {
  EXPECT_TRUE(member(member(told, "proofs"), "unsigned_entries").as_array()->empty());
  EXPECT_EQ(text_of(member(told, "proofs"), "vkey"), vkey);
  const Ended held = stranger(proofs());
  ASSERT_EQ(held.exit_code, kDone) << held.err << held.out;
  const json::Value answer = parsed(held.out);
  EXPECT_EQ(member(answer, "healthy"), json::Value(true));
  const json::Array& proven = *member(member(answer, "list"), "keys").as_array();
  auto listed = roles_by_key(*member(told, "keys").as_array(), "depends");
  std::erase_if(listed, [](const auto& each) { return each.second.begin()->starts_with("pki/"); });
  EXPECT_EQ(roles_by_key(proven, "roles"), listed) << "the keys of TLS are no metadata's";
  EXPECT_GE(listed.size(), 17U);
  std::set<std::string> names;
  bool is_ledger_there = false;
  for (const json::Value& key : proven) {
    ASSERT_FALSE(member(key, "events").as_array()->empty()) << text_of(key, "keyid");
    for (const json::Value& event : *member(key, "events").as_array()) names.insert(text_of(event, "name"));
    is_ledger_there |= member(key, "signs_ledger") == json::Value(true);
  }
  for (const char* name : {"image-root-1", "director-root-3", "image-fw", "director-x-time-source"})
    EXPECT_TRUE(names.contains(name)) << name;
  EXPECT_TRUE(is_ledger_there);
}

TEST_F(KeyProofs, TellAStrangerWhatTheForecastTellsOfMetadata) {
  const fs::path dir = folder->path() / "foreseen";
  const json::Value foreseen =
      must({"key", "forecast", "--at", "2999-01-01", "--proofs", dir.string()}, kRefused);
  EXPECT_EQ(text_of(member(foreseen, "proofs"), "vkey"), vkey);
  const Ended held = stranger(dir);
  ASSERT_EQ(held.exit_code, kDone) << held.err << held.out;
  const json::Value answer = parsed(held.out);
  const json::Value& forecast = member(answer, "forecast");
  EXPECT_EQ(text_of(forecast, "at"), "2999-01-01T00:00:00Z");
  std::map<std::string, json::Value> lines;
  for (const json::Value& line : *member(forecast, "roles").as_array()) {
    if (!member(line, "expires").is_null()) lines.emplace(text_of(line, "role"), line);
  }
  std::set<std::string> names;
  for (const auto& [name, line] : lines) names.insert(name);
  EXPECT_EQ(names, (std::set<std::string>{"director/root", "image/fw", "image/root", "image/snapshot",
                                          "image/targets", "image/timestamp"}))
      << "bolt has handed in nothing";
  std::size_t compared = 0;
  for (const json::Value& event : *member(foreseen, "events").as_array()) {
    const auto line = lines.find(text_of(event, "id"));
    if (line == lines.end()) continue;
    ++compared;
    for (const char* part : {"version", "expires", "stops_at", "stops_with"})
      EXPECT_EQ(member(line->second, part), member(event, part)) << line->first << ", " << part;
    EXPECT_EQ(member(line->second, "keyids").as_array()->size(), member(event, "keys").as_array()->size());
  }
  EXPECT_EQ(compared, lines.size());
  const json::Value& root = lines.at("image/root");
  EXPECT_EQ(member(root, "threshold"), json::Value(2));
  EXPECT_EQ(member(root, "keyids").as_array()->size(), 3U);
  EXPECT_EQ(member(root, "ended"), json::Value(true)) << "long before 2999";
}

TEST_F(KeyProofs, TellWhoseKeysSignWhatHasNoEndInTheFolder) {
  std::map<std::string, json::Value> lines;
  const json::Value forecast = list_in(proofs(), "forecast.json");
  for (const json::Value& line : *member(forecast, "roles").as_array()) {
    if (member(line, "expires").is_null())
      lines.emplace(text_of(line, "role") + " below " + text_of(line, "delegator"), line);
  }
  for (const char* role : {"image/bolt below targets", "image/fw below fw", "director/targets below root"}) {
    ASSERT_TRUE(lines.contains(role)) << role;
    EXPECT_EQ(member(lines.at(role), "keyids").as_array()->size(), 1U) << role;
  }
  EXPECT_EQ(member(lines.at("image/fw below fw"), "bins"), json::Value(true));
}

TEST_F(KeyProofs, HaveNoOtherForecastThanTheirMetadataTells) {
  const fs::path dir = copied();
  const json::Value honest = list_in(dir, "forecast.json");
  const auto alter = [&](const std::function<void(json::Object&, json::Array&)>& change) {
    json::Object forecast = *honest.as_object();
    json::Array roles = *member(honest, "roles").as_array();
    change(forecast, roles);
    if (forecast.find("roles") != nullptr) forecast.set("roles", std::move(roles));
    const std::string text = json::to_pretty_text(std::move(forecast));
    ASSERT_TRUE(host::write_atomically(dir / "forecast.json", as_bytes(text)));
  };
  constexpr const char* kOther = "forecast.json is not what follows from the entries and the metadata";
  alter([](json::Object&, json::Array&) {});
  EXPECT_EQ(problems(dir), std::vector<std::string>());
  alter([](json::Object&, json::Array& roles) {
    for (std::size_t at = 0; at < roles.size(); ++at) {
      if (text_of(roles[at], "role") == "image/root")
        roles[at].as_object()->set("expires", "2999-01-01T00:00:00Z");
    }
  });
  EXPECT_TRUE(has_problem(dir, kOther)) << "a date is another";
  alter([](json::Object&, json::Array& roles) {
    json::Array fewer;
    for (std::size_t at = 1; at < roles.size(); ++at) fewer.emplace_back(roles[at]);
    roles = std::move(fewer);
  });
  EXPECT_TRUE(has_problem(dir, kOther)) << "a line was left out";
  alter([](json::Object&, json::Array& roles) { roles.emplace_back(roles.front()); });
  EXPECT_TRUE(has_problem(dir, kOther)) << "a line was added";
  alter([](json::Object& forecast, json::Array&) { forecast.set("at", "2026-01-01T00:00:00Z"); });
  EXPECT_TRUE(has_problem(dir, kOther)) << "all is further away or nearer by then";
  alter([](json::Object& forecast, json::Array&) { forecast.set("at", "today"); });
  EXPECT_TRUE(has_problem(dir, "forecast.json does not say as of when it is"));
  alter([](json::Object& forecast, json::Array&) { forecast = json::Object(); });
  EXPECT_TRUE(has_problem(dir, "forecast.json does not say as of when it is"));
}

TEST_F(KeyProofs, TakeNoOlderFileForANewerOne) {
  const fs::path dir = copied();
  const auto files = files_in(dir);
  const auto targets =
      std::ranges::find_if(files, [](const auto& each) { return each.first.ends_with(".targets.json"); });
  ASSERT_NE(targets, files.end());
  const Bytes first = host::read_file(folder->path() / "ws" / "repo" / "1.targets.json", 1U << 20U).value();
  ASSERT_NE(targets->second, first);
  ASSERT_TRUE(host::write_atomically(dir / targets->first, first));
  EXPECT_TRUE(has_problem(dir, "no entry has the hash of " + targets->first));
}

TEST_F(KeyProofs, LeaveOutNoFileThatTheSnapshotLists) {
  const fs::path dir = copied();
  forge_lists(dir);
  ASSERT_EQ(problems(dir), std::vector<std::string>());
  std::string own;
  for (const auto& [name, bytes] : files_in(dir)) {
    if (name.ends_with(".fw.json")) own = name;
  }
  ASSERT_FALSE(own.empty());
  fs::remove(dir / own);
  forge_lists(dir);  // without an end of fw, and without a word of its bins
  EXPECT_EQ(problems(dir), std::vector<std::string>{"the snapshot lists " + own + ", which is not here"});
}

TEST_F(KeyProofs, AreFoundToBeAlteredInEveryFile) {
  const auto files = files_in(proofs());
  for (const char* name : {"1.root.json", "director/1.root.json", "director/2.root.json", "timestamp.json",
                           "keys.json", "forecast.json", "entry-0.json"})
    ASSERT_TRUE(files.contains(name)) << name;
  ASSERT_TRUE(
      std::ranges::any_of(files, [](const auto& each) { return each.first.ends_with(".fw.release"); }));
  const fs::path dir = copied();
  ASSERT_EQ(problems(dir), std::vector<std::string>());
  for (const auto& [name, honest] : files) {
    for (const std::size_t part : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U}) {
      Bytes altered = honest;
      altered[(altered.size() - 1) * part / 7] ^= 1U;
      ASSERT_TRUE(host::write_atomically(dir / name, altered));
      EXPECT_FALSE(problems(dir).empty()) << name << ", part " << part;
    }
    Bytes longer = honest;
    longer.push_back('\n');
    ASSERT_TRUE(host::write_atomically(dir / name, longer));
    EXPECT_FALSE(problems(dir).empty()) << name << " with a byte more";
    fs::remove(dir / name);
    EXPECT_FALSE(problems(dir).empty()) << "without " << name;
    ASSERT_TRUE(host::write_atomically(dir / name, honest));
  }
  EXPECT_EQ(problems(dir), std::vector<std::string>());
}

TEST_F(KeyProofs, AreRefusedByTheProgramWhenAltered) {
  const fs::path dir = copied();
  const std::string list(as_text(host::read_file(dir / "keys.json", 1U << 20U).value()));
  for (const char* name : {"keys.json", "forecast.json", "timestamp.json", "entry-0.json"}) {
    const Bytes honest = host::read_file(dir / name, 1U << 20U).value();
    Bytes altered = honest;
    altered[altered.size() / 2] ^= 1U;
    ASSERT_TRUE(host::write_atomically(dir / name, altered));
    EXPECT_EQ(stranger(dir).exit_code, kRefused) << name;
    ASSERT_TRUE(host::write_atomically(dir / name, honest));
  }
  EXPECT_EQ(stranger(dir).exit_code, kDone);
  ASSERT_TRUE(host::write_atomically(dir / "notes.txt", as_bytes("trust me")));
  EXPECT_EQ(stranger(dir).exit_code, kRefused) << "nobody vouches for it";
}

TEST_F(KeyProofs, LeaveOutNoKeyThatMetadataLists) {
  const fs::path dir = copied();
  json::Value list = parsed(std::string(as_text(host::read_file(dir / "keys.json", 1U << 20U).value())));
  json::Array fewer;
  const json::Array& all = *member(list, "keys").as_array();
  for (std::size_t at = 0; at + 1 < all.size(); ++at) fewer.emplace_back(all.at(at));
  list.as_object()->set("keys", std::move(fewer));
  ASSERT_TRUE(host::write_atomically(dir / "keys.json", as_bytes(json::to_pretty_text(list))));
  EXPECT_TRUE(has_problem(dir, "keys.json is not what follows from the entries and the metadata"));

  const auto events = events_of("image-fw");
  ASSERT_FALSE(events.empty());
  for (const std::string& file : events) fs::remove(dir / file);
  EXPECT_TRUE(has_problem(dir, "which signs for image/fw")) << "whose key is it?";
}

TEST_F(KeyProofs, AskForEveryRootThatTheirEntriesTellOf) {
  const fs::path dir = copied();
  fs::remove(dir / "director" / "2.root.json");
  EXPECT_TRUE(has_problem(dir, "director/2.root.json was published, and is not here"));
}

TEST_F(KeyProofs, ProveNothingUnderAnotherLogsKey) {
  const fs::path other = folder->path() / "other";
  ASSERT_EQ(run_cotter({"init", other.string(), "--offline-dir", other.string() + "-off"}).exit_code, kDone);
  const std::string theirs =
      text_of(parsed(run_cotter({"-C", other.string(), "--json", "audit", "verify"}).out), "vkey");
  EXPECT_EQ(run_cotter({"audit", "verify", "--proofs", proofs().string(), "--vkey", theirs}).exit_code,
            kRefused);
  EXPECT_EQ(run_cotter({"audit", "verify", "--proofs", proofs().string()}).exit_code, kUsage) << "whose key?";
  EXPECT_EQ(
      run_cotter({"audit", "verify", "--proofs", (other / "none").string(), "--vkey", theirs}).exit_code,
      kNotFound);
}

// The last: it changes the workspace.
TEST_F(KeyProofs, SayWhichEventsNoCheckpointIsAboutYet) {
  must({"key", "generate", "--name", "spare"});
  const fs::path dir = folder->path() / "later";
  const json::Value list = must({"key", "list", "--proofs", dir.string()});
  EXPECT_EQ(member(member(list, "proofs"), "unsigned_entries").as_array()->size(), 1U);
  EXPECT_EQ(stranger(dir).exit_code, kDone);
}

}  // namespace
}  // namespace cotter
