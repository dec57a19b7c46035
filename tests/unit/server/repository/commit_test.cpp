#include "server/repository/commit.h"

#include <gtest/gtest.h>

#include <span>

#include "common/host/gunzip.h"
#include "common/host/gzip.h"
#include "common/model/roles.h"
#include "common/trust/draft.h"
#include "server/repository/folder_transport.h"
#include "server/repository/precompressed.h"
#include "server/repository/publication_transport.h"
#include "server/repository/publisher.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/test_workspace.h"

namespace cotter::repository {
namespace {

namespace fs = std::filesystem;
using test::content_of;
using test::kNow;
using test::write;

class Commit : public testing::Test {
 protected:
  template <class T>
  static Bytes signed_by(const T& content, const sim::Keys& keys) {
    trust::Draft<T> draft(content);
    for (const auto& key : keys) EXPECT_TRUE(draft.sign(*key));
    return draft.wire();
  }

  /// New targets, snapshot and timestamp over what is published, `holders` of the targets' keys signing.
  [[nodiscard]] Publication next(const sim::Keys& holders, std::uint64_t version = 2) const {
    const auto published = ws_.read();
    model::Targets targets = **published->targets();
    targets.version = Version(version);
    Publication files{{model::targets_role(), targets.version, signed_by(targets, holders)}};
    const model::Snapshot snapshot =
        next_snapshot(**published->snapshot(), Version(version), kNow + std::chrono::days(1),
                      {{model::targets_role(), meta_of(targets.version, files.back().wire)}});
    files.push_back({model::snapshot_role(), snapshot.version, signed_by(snapshot, ws_.keys.snapshot)});
    const model::Timestamp timestamp =
        next_timestamp(**published->timestamp(), Version(version), kNow + std::chrono::days(1),
                       meta_of(snapshot.version, files.back().wire));
    files.push_back({model::timestamp_role(), std::nullopt, signed_by(timestamp, ws_.keys.timestamp)});
    return files;
  }
  [[nodiscard]] Publication next() const { return next(ws_.keys.targets); }
  [[nodiscard]] Result<void> commit(const Publication& files) const {
    return repository::commit(ws_.layout(), *ws_.read(), files, kNow);
  }
  [[nodiscard]] std::uint64_t targets_version() const {
    const auto set = ws_.read();
    EXPECT_TRUE(set);
    return (*set->targets())->version.value();
  }

  test::TestWorkspace ws_;
};

TEST_F(Commit, PublishesWhatAClientAccepts) {
  ASSERT_TRUE(commit(next()));
  EXPECT_EQ(targets_version(), 2U);
  EXPECT_TRUE(fs::exists(ws_.repo() / "1.targets.json"));  // for clients in the middle of their work
}

TEST_F(Commit, ShowsClientsTheOldStateUntilTheTimestampTurns) {  // FMT-105, IMG-17
  const Publication files = next();
  for (std::size_t written = 0; written < files.size(); ++written) {
    EXPECT_EQ(targets_version(), 1U) << "after " << written << " files";
    ASSERT_TRUE(write_file(ws_.layout(), files[written]));
  }
  EXPECT_EQ(targets_version(), 2U);
}

TEST_F(Commit, WritesNothingThatAClientWouldRefuse) {  // IMG-7
  const auto refused_as = [&](const Publication& files) {
    const auto committed = commit(files);
    EXPECT_FALSE(committed);
    EXPECT_FALSE(fs::exists(ws_.repo() / "2.targets.json"));
    return committed ? RuleId{} : rejection_in(committed.error())->rule;
  };
  EXPECT_EQ(refused_as(next({ws_.keys.targets[0]})), RuleId::ThresholdNotMet);
  EXPECT_EQ(refused_as(next(ws_.keys.root)), RuleId::ThresholdNotMet);
  Publication swapped = next();
  swapped[0] = {model::targets_role(), Version(2), to_bytes(content_of(ws_.repo() / "1.targets.json"))};
  EXPECT_EQ(refused_as(swapped), RuleId::TargetsHashWrong);
}

TEST_F(Commit, RefusesToTakeClientsBack) {  // IMG-7, FMT-4: a client that saw version 3 must not see 2
  ASSERT_TRUE(commit(next(ws_.keys.targets, 3)));
  const auto back = commit(next(ws_.keys.targets, 2));
  ASSERT_FALSE(back);
  EXPECT_EQ(rejection_in(back.error())->rule, RuleId::TimestampOlderThanTrusted);
}

// A vehicle fresh from the factory has no floors; one that has driven does not ask for the first root.
TEST_F(Commit, PlaysARootAsAFreshVehicleAndAsOneThatHasSeenWhatIsPublished) {  // IMG-7, FMT-4
  model::Root root = *ws_.read()->root();
  root.version = Version(2);
  const auto with_root = [&](std::uint64_t version) {
    Publication files = next(ws_.keys.targets, version);
    files.insert(files.begin(), {model::root_role(), Version(2), signed_by(root, ws_.keys.root)});
    return files;
  };
  const auto played = [&](const Publication& files) {
    return test::verdict(rehearse_root(ws_.layout(), *ws_.read(), files, kNow));
  };
  ASSERT_TRUE(commit(next(ws_.keys.targets, 3)));
  EXPECT_EQ(played(with_root(4)), "accepted");
  const Publication back = with_root(2);
  FolderTransport folder(ws_.repo());
  PublicationTransport as_it_would_be(back, &folder);
  EXPECT_TRUE(read_as_client(as_it_would_be, kNow)) << "to a fresh vehicle it is as good as any";
  EXPECT_EQ(played(back), "timestamp-older-than-trusted");
  const Publication on = with_root(4);
  const auto seen = ws_.read();
  write(ws_.repo() / "1.root.json", "damaged");
  EXPECT_EQ(test::verdict(rehearse_root(ws_.layout(), *seen, on, kNow)), "json-malformed");
}

TEST_F(Commit, JudgesTheSnapshotWhoseContentWasReadAsAnyOther) {  // IMG-7
  const Publication files = next();
  const auto rehearsed = [&](const Publication& publication) {
    return rehearse_next(
        *ws_.read(), publication, [&] { return trust::ContentAhead::read_in(files.at(1).wire); }, kNow);
  };
  EXPECT_TRUE(rehearsed(files));
  const auto refused_as = [&](const Publication& publication) {
    const auto played = rehearsed(publication);
    return played ? RuleId{} : rejection_in(played.error())->rule;
  };
  Publication other = files;
  std::string wire(as_text(files.at(1).wire));
  char& digit = wire.at(wire.find("\"sig\":\"") + 7);
  digit = digit == '0' ? '1' : '0';
  other.at(1).wire = to_bytes(wire);
  EXPECT_EQ(refused_as(other), RuleId::SnapshotHashWrong);
  const model::Timestamp timestamp =
      next_timestamp(**ws_.read()->timestamp(), Version(2), kNow + std::chrono::days(1),
                     meta_of(Version(2), other.at(1).wire));
  other.at(2).wire = signed_by(timestamp, ws_.keys.timestamp);
  EXPECT_EQ(refused_as(other), RuleId::ThresholdNotMet);
  EXPECT_TRUE(rehearsed(next(ws_.keys.targets, 3))) << "what was read of another one is not played";
}

TEST_F(Commit, NeverPutsOtherBytesUnderAVersion) {  // FMT-3
  const NewFile first{model::targets_role(), Version(9), to_bytes("first")};
  ASSERT_TRUE(write_file(ws_.layout(), first));
  EXPECT_TRUE(write_file(ws_.layout(), first));
  for (const char* other : {"other", "first and more", ""}) {
    const auto written = write_file(ws_.layout(), {model::targets_role(), Version(9), to_bytes(other)});
    ASSERT_FALSE(written) << other;
    EXPECT_TRUE(is_fault(written.error(), Fault::Kind::Conflict));
  }
  EXPECT_EQ(content_of(ws_.repo() / "9.targets.json"), "first");
}

std::string unpacked(const fs::path& file) {
  host::Gunzip gunzip;
  std::string out;
  const auto bytes = host::read_file(file, 1U << 20U);
  EXPECT_TRUE(bytes) << file;
  if (!bytes) return out;
  EXPECT_TRUE(gunzip.feed(*bytes, [&](ByteView piece) -> Result<void> {
    out += as_text(piece);
    return {};
  }));
  EXPECT_TRUE(gunzip.finish());
  return out;
}

Result<void> write_all(const Layout& layout, const Publication& files, Batch& batch) {
  Prepared prepared = TRY(Prepared::write(layout, std::span(files).first(files.size() - 1), batch));
  return prepared.show(files.back());
}

TEST_F(Commit, ShowsNothingOfWhatIsOnlyPrepared) {
  const Layout layout = ws_.layout();
  fs::create_directories(layout.incoming_dir());
  const Publication files{{model::snapshot_role(), Version(9), to_bytes(std::string(kPackedFrom, 'a'))}};
  const std::string before = content_of(layout.metadata(model::timestamp_role(), std::nullopt));
  {
    Batch batch(layout);
    ASSERT_TRUE(Prepared::write(layout, files, batch));
  }
  EXPECT_FALSE(fs::exists(ws_.repo() / "9.snapshot.json"));
  EXPECT_FALSE(fs::exists(ws_.repo() / "9.snapshot.json.gz"));
  EXPECT_EQ(content_of(layout.metadata(model::timestamp_role(), std::nullopt)), before);
  EXPECT_TRUE(fs::is_empty(layout.incoming_dir()));
}

TEST_F(Commit, LaysBesideEachVersionThatIsWorthItThePackedFile) {
  const fs::path repo = ws_.repo();
  EXPECT_EQ(unpacked(repo / "1.root.json.gz"), content_of(repo / "1.root.json"));
  const std::string small(kPackedFrom - 1, 'a'), large(kPackedFrom, 'a');
  const Layout layout = ws_.layout();
  Batch batch(layout);
  fs::create_directories(layout.incoming_dir());
  const Publication files{{model::snapshot_role(), Version(8), to_bytes(small)},
                          {model::snapshot_role(), Version(9), to_bytes(large)},
                          {model::timestamp_role(), std::nullopt, to_bytes(large)}};
  ASSERT_TRUE(write_all(layout, files, batch));
  EXPECT_FALSE(fs::exists(repo / "8.snapshot.json.gz"));
  EXPECT_EQ(unpacked(repo / "9.snapshot.json.gz"), large);
  EXPECT_FALSE(fs::exists(repo / "timestamp.json.gz")) << "a client could get the new one and then the old";
}

TEST_F(Commit, MendsAPackedFileAndPutsNoneBesideOtherBytes) {
  const std::string first(kPackedFrom, 'a'), other(kPackedFrom, 'b');
  const fs::path packed = ws_.repo() / "9.targets.json.gz";
  const Layout layout = ws_.layout();
  fs::create_directories(layout.incoming_dir());
  const auto in_batch = [&](const std::string& wire) {
    Batch batch(layout);
    const Publication files{{model::targets_role(), Version(9), to_bytes(wire)},
                            {model::timestamp_role(), std::nullopt, to_bytes("new")}};
    return write_all(layout, files, batch);
  };
  const auto alone = [&](const std::string& wire) {
    return write_file(ws_.layout(), {model::targets_role(), Version(9), to_bytes(wire)});
  };
  write(packed, "of a writer that was killed");
  ASSERT_TRUE(alone(first));
  EXPECT_EQ(unpacked(packed), first);
  EXPECT_TRUE(is_fault(alone(other).error(), Fault::Kind::Conflict));
  EXPECT_TRUE(is_fault(in_batch(other).error(), Fault::Kind::Conflict));
  EXPECT_EQ(unpacked(packed), first);
  write(packed, "damaged");
  ASSERT_TRUE(in_batch(first));
  EXPECT_EQ(unpacked(packed), first);
}

TEST_F(Commit, CleansUpAfterAKilledWriterAndKeepsAllElse) {  // FMT-102
  ASSERT_TRUE(commit(next()));
  const auto published = ws_.read();
  fs::create_directory(ws_.layout().incoming_dir());
  const std::vector<std::string> left = {".incoming/image.x1", ".timestamp.json.y2", "3.targets.json",
                                         "3.snapshot.json",    "3.targets.json.gz",  "3.snapshot.json.gz",
                                         "4.targets.json.gz",  "9.root.json.gz"};
  const std::vector<std::string> kept = {
      "1.root.json",     "2.root.json",    "1.targets.json",    "2.targets.json",  "1.snapshot.json",
      "2.snapshot.json", "timestamp.json", ".incoming/lock",    "03.targets.json", "index.html",
      "1.root.json.gz",  "2.root.json.gz", "2.targets.json.gz", "archive.gz"};
  for (const std::string& name : left) write(ws_.repo() / name, "left");
  for (const std::string& name : kept) {
    if (!fs::exists(ws_.repo() / name)) write(ws_.repo() / name, "somebody's");
  }
  ASSERT_TRUE(clean_up(ws_.layout(), *published));
  for (const std::string& name : left) EXPECT_FALSE(fs::exists(ws_.repo() / name)) << name;
  for (const std::string& name : kept) EXPECT_TRUE(fs::exists(ws_.repo() / name)) << name;
}

TEST(FolderTransport, ReadsNothingOutsideItsFolderAndNothingTooLarge) {
  const sim::TempDir temp;
  fs::create_directory(temp.path() / "repo");
  write(temp.path() / "secret", "secret");
  write(temp.path() / "repo" / "file", "12345");
  FolderTransport folder(temp.path() / "repo");
  EXPECT_EQ(*folder.get("file", 5), to_bytes("12345"));
  EXPECT_EQ(rejection_in(folder.get("file", 4).error())->rule, RuleId::FileTooLarge);
  for (const std::string& path :
       {std::string("../secret"), (temp.path() / "secret").string(), std::string("missing")}) {
    EXPECT_TRUE(is_fault(folder.get(path, 100).error(), Fault::Kind::NotFound)) << path;
  }
  EXPECT_TRUE(is_fault(folder.get(".", 100).error(), Fault::Kind::Io));
}

}  // namespace
}  // namespace cotter::repository
