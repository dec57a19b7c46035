#include <gtest/gtest.h>

#include "common/model/file_names.h"
#include "server/app/trace_workspace.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using test::kImage;
using test::kNow;
using test::SupplierWorkspace;

const std::string kName = "acme/ecu/app";

std::string sha256_of(std::string_view text) { return to_hex(crypto::sha256(as_bytes(text))); }

Result<Trace> traced(const SupplierWorkspace& ws, std::string_view what) {
  host::Db db = TRY(storage::open_database(ws.workspace().db_path()));
  return trace_in(ws.workspace(), db, TRY(trace_query(what)));
}

TEST(Trace, TellsWhoHandedInAndWhoAccepted) {
  const SupplierWorkspace ws;
  ws.take_in();
  const auto release = SupplierWorkspace::release(kName, kImage);
  const std::string id = ws.waiting(ws.signed_by(SupplierWorkspace::next(release)), kImage);
  ASSERT_TRUE(ws.accept(id));
  for (const std::string& what : {kName, sha256_of(kImage)}) {
    const auto told = traced(ws, what);
    ASSERT_TRUE(told) << explain(told.error());
    ASSERT_EQ(told->artifacts.size(), 1U);
    const Traced& artifact = told->artifacts.front();
    EXPECT_EQ(artifact.name.value(), kName);
    EXPECT_EQ(artifact.sha256, sha256_of(kImage));
    EXPECT_EQ(artifact.length, kImage.size());
    ASSERT_EQ(artifact.handed_in.size(), 1U);
    EXPECT_EQ(artifact.handed_in.front().step.kind, ledger::kAcceptance);
    EXPECT_EQ(artifact.handed_in.front().supplier, "acme");
    EXPECT_EQ(artifact.handed_in.front().submission, id);
    ASSERT_EQ(artifact.published.size(), 1U);
    const Listing& listing = artifact.published.front().first;
    EXPECT_EQ(listing.role.value(), "acme");
    EXPECT_EQ(listing.keyids.size(), 2U);
    EXPECT_EQ(listing.hardware_ids, (std::vector<HardwareId>{HardwareId("acme-ecu")}));
    EXPECT_GT(listing.publication.index, artifact.handed_in.front().step.index);
  }
  const auto live = live_listing(ws.workspace(), TargetName(kName));
  ASSERT_TRUE(live && *live);
  EXPECT_EQ((*live)->way, (std::vector<RoleName>{model::targets_role(), RoleName("acme")}));
}

TEST(Trace, TellsOfWhatASupplierHandedInAndAPersonRefused) {
  const SupplierWorkspace ws;
  ws.take_in();
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  const std::string sha256 = sha256_of(kImage);
  auto transaction = host::Transaction::begin(db).value();
  storage::LedgerStore store(db);
  const json::Array images{json::Object{{"name", kName}, {"sha256", sha256}}};
  ASSERT_TRUE(store.append({std::string(ledger::kUpload), kNow, "token:acme-ci", "acme",
                            json::Object{{"submission", "s-1"}, {"images", images}}}));
  ASSERT_TRUE(store.append({std::string(ledger::kRefusal), kNow, "account:alice", "acme",
                            json::Object{{"submission", "s-1"}, {"reason", "wrong build"}}}));
  ASSERT_TRUE(store.append({std::string(ledger::kRefusal), kNow, "account:alice", "acme",
                            json::Object{{"submission", "s-2"}, {"reason", "another's"}}}));
  ASSERT_TRUE(transaction.commit());
  for (const std::string& what : {kName, sha256}) {
    const auto told = traced(ws, what);
    ASSERT_TRUE(told) << explain(told.error());
    ASSERT_EQ(told->artifacts.size(), 1U);
    const auto& handed_in = told->artifacts.front().handed_in;
    ASSERT_EQ(handed_in.size(), 2U);
    EXPECT_EQ(handed_in.at(0).step.kind, ledger::kUpload);
    EXPECT_EQ(handed_in.at(1).reason, "wrong build");
    EXPECT_TRUE(told->artifacts.front().published.empty());
    EXPECT_EQ(cited(*told).size(), 2U);
  }
}

std::vector<std::string> names_of(const std::vector<DelegatingFile>& files) {
  std::vector<std::string> names;
  for (const DelegatingFile& each : files)
    names.push_back(model::metadata_file_name(each.role, each.version));
  return names;
}

TEST(Trace, TellsWhichFilesLetASupplierOfASupplierSign) {
  const SupplierWorkspace ws;
  operations::SupplierPolicy policy;
  policy.may_delegate = true;
  ws.take_in(policy);
  const auto hand_in = [&](const Bytes& metadata, const std::string& image, const std::string& of) {
    const auto accepted = ws.accept(ws.waiting(metadata, image, of));
    ASSERT_TRUE(accepted && accepted->wrong.empty());
  };
  const model::Targets letting = SupplierWorkspace::letting_sign(ws.below());
  hand_in(ws.signed_by(letting), "", "acme");
  const std::string name = "acme/sensors/app";
  model::Targets listing = SupplierWorkspace::next(SupplierWorkspace::release(name, kImage));
  hand_in(SupplierWorkspace::signed_by(ws.sensors, listing), kImage, "acme-sensors");
  // The targets and acme's own file go on.
  ASSERT_TRUE(ws.publish("other/app", "other"));
  hand_in(ws.signed_by(SupplierWorkspace::next(SupplierWorkspace::release(kName, kImage), 2, letting)),
          kImage, "acme");
  listing = SupplierWorkspace::next(SupplierWorkspace::release("acme/sensors/boot", kImage), 2, listing);
  hand_in(SupplierWorkspace::signed_by(ws.sensors, listing), kImage, "acme-sensors");
  listing.targets.erase(TargetName(name));
  listing.version = Version(3);
  hand_in(SupplierWorkspace::signed_by(ws.sensors, listing), "", "acme-sensors");

  const auto told = traced(ws, name);
  ASSERT_TRUE(told) << explain(told.error());
  ASSERT_EQ(told->artifacts.size(), 1U);
  ASSERT_EQ(told->artifacts.front().published.size(), 1U);
  const Span& span = told->artifacts.front().published.front();
  EXPECT_EQ(names_of(span.first.delegated_by), (std::vector<std::string>{"2.targets.json", "1.acme.json"}));
  EXPECT_EQ(names_of(span.last.delegated_by), (std::vector<std::string>{"3.targets.json", "2.acme.json"}));
  ASSERT_TRUE(span.ended);
  EXPECT_EQ(names_of(span.ended->delegated_by), (std::vector<std::string>{"3.targets.json", "2.acme.json"}));
  const std::set<std::uint64_t> entries = cited(*told);
  for (const Listing* listing_of : span.all()) {
    for (const DelegatingFile& each : listing_of->delegated_by) {
      EXPECT_TRUE(entries.contains(each.publication.index));
    }
  }
}

/// Entries and files in memory, for what cannot be had from a workspace that works.
class TraceOfEntries : public testing::Test {
 protected:
  static Bytes targets(std::uint64_t version, const std::string& name, const std::string& content) {
    const auto release = SupplierWorkspace::release(name, content);
    trust::Draft<model::Targets> draft(SupplierWorkspace::next(release, version));
    return draft.wire();
  }
  void publish(std::uint64_t version, const Bytes& wire, bool is_stored = true) {
    entries.push_back(
        {std::string(ledger::kPublication), kNow, "account:alice", "image",
         json::Object{{"files", json::Array{json::Object{{"role", "targets"},
                                                         {"version", version},
                                                         {"sha256", to_hex(crypto::sha256(wire))},
                                                         {"keyids", json::Array{}}}}}}});
    if (is_stored) files[version] = wire;
  }
  [[nodiscard]] Trace told(const std::string& name) const {
    TraceSources sources;
    sources.each = [this](std::string_view kind, std::string_view, const VisitEntry& visit) -> Result<void> {
      for (std::size_t index = 0; index < entries.size(); ++index) {
        if (entries[index].kind == kind) visit(index, entries[index]);
      }
      return {};
    };
    sources.file = [this](const RoleName& role, Version version) -> Result<std::optional<Bytes>> {
      const auto file = files.find(version.value());
      if (role != model::targets_role() || file == files.end()) return std::optional<Bytes>();
      return std::optional(file->second);
    };
    TraceQuery query;
    query.name = TargetName(name);
    return trace(query, sources).value();
  }

  std::vector<ledger::Entry> entries;
  std::map<std::uint64_t, Bytes> files;
};

TEST_F(TraceOfEntries, CountsOneSpanForEachTimeThatANameStoodForTheBuild) {
  publish(1, targets(1, kName, "old"));
  publish(2, targets(2, kName, "new"));
  publish(3, targets(3, kName, "old"));
  publish(4, targets(4, kName, "old"));
  const Trace all = told(kName);
  ASSERT_EQ(all.artifacts.size(), 2U);
  const Traced& old = all.artifacts.at(0);
  EXPECT_EQ(old.sha256, sha256_of("old"));
  ASSERT_EQ(old.published.size(), 2U);
  EXPECT_EQ(old.published.at(0).ended->publication.index, 1U);
  EXPECT_FALSE(old.published.at(1).ended);
  EXPECT_EQ(old.published.at(1).versions, 2U);
  EXPECT_EQ(old.published.at(1).last.version, Version(4));
  EXPECT_EQ(all.artifacts.at(1).published.at(0).ended->publication.index, 2U);
}

TEST_F(TraceOfEntries, TakesOfAVersionPublishedTwiceTheLastEntry) {  // its writer was killed the first time
  publish(1, targets(1, kName, "lost"));
  publish(1, targets(1, kName, "kept"));
  const Trace all = told(kName);
  EXPECT_TRUE(all.problems.empty());
  ASSERT_EQ(all.artifacts.size(), 1U);
  EXPECT_EQ(all.artifacts.front().sha256, sha256_of("kept"));
}

TEST_F(TraceOfEntries, SaysWhichFilesAreGoneAndWhichAreOthers) {
  publish(1, targets(1, kName, "a"), false);
  publish(2, targets(2, kName, "b"));
  files[2] = targets(2, kName, "c");
  const Trace all = told(kName);
  EXPECT_TRUE(all.artifacts.empty());
  EXPECT_EQ(all.unread, std::vector<std::string>{"1.targets.json"});
  ASSERT_EQ(all.problems.size(), 1U);
  EXPECT_NE(all.problems.front().find("2.targets.json is not what entry 1 says"), std::string::npos);
}

/// An upload names some of its images; the file that it brought lists all.
TEST_F(TraceOfEntries, FindsTheUploadByTheFileThatItBrought) {
  const Bytes wire = targets(1, kName, "a");
  for (const std::string& sha256 : {to_hex(crypto::sha256(wire)), sha256_of("another file")}) {
    entries.push_back({std::string(ledger::kUpload), kNow, "token:acme-ci", "acme",
                       json::Object{{"submission", sha256}, {"sha256", sha256}}});
  }
  publish(1, wire);
  const Trace all = told(kName);
  ASSERT_EQ(all.artifacts.size(), 1U);
  ASSERT_EQ(all.artifacts.front().handed_in.size(), 1U);
  EXPECT_EQ(all.artifacts.front().handed_in.front().step.index, 0U);
}

TEST_F(TraceOfEntries, PassesOverEntriesThatItDoesNotUnderstand) {
  for (const std::string_view kind : {ledger::kPublication, ledger::kUpload, ledger::kAssignment,
                                      ledger::kRelease, ledger::kDraft, ledger::kRefusal}) {
    entries.push_back({std::string(kind), kNow, "x", "image",
                       json::Object{{"files", 1}, {"images", json::Array{1}}, {"hashes", "x"}}});
  }
  publish(1, targets(1, kName, "a"));
  EXPECT_EQ(told(kName).artifacts.size(), 1U);
}

}  // namespace
}  // namespace cotter::app
