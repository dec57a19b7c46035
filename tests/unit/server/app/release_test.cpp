#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

#include "common/trust/draft.h"
#include "server/app/abilities.h"
#include "server/app/apply_release.h"
#include "server/app/check_repository.h"
#include "server/app/init_release_role.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/inventory_store.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/release_workspace.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using test::kFirmware;
using test::kNow;
using State = ApplyOutcome::State;

class Release : public testing::Test {
 protected:
  [[nodiscard]] std::set<std::string> metadata() const {
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(ws_.repo())) {
      if (entry.is_regular_file()) names.insert(entry.path().filename().string());
    }
    return names;
  }
  void init() const {
    const auto made = ws_.init_role();
    ASSERT_TRUE(made) << explain(made.error());
    ASSERT_EQ(made->state, TargetsOutcome::State::Published);
  }
  static bool is_denied(const Result<ApplyOutcome>& outcome) {
    return !outcome && is_fault(outcome.error(), Fault::Kind::Denied);
  }
  test::ReleaseWorkspace ws_;
};

TEST(ReleaseBins, AreAsManyAsKeepABinSmall) {
  EXPECT_EQ(repository::bits_for(0), 1U);
  EXPECT_EQ(repository::bits_for(256), 1U);
  EXPECT_EQ(repository::bits_for(15'000), 7U);
  EXPECT_EQ(repository::bits_for(1'000'000), 13U);
  EXPECT_EQ(repository::bits_for(UINT64_MAX), repository::kMostBits);
}

TEST_F(Release, RoleHasAllItsBinsBeforeAnybodyIsSentThere) {
  const auto waiting = ws_.init_role({0});
  ASSERT_TRUE(waiting) << explain(waiting.error());
  EXPECT_EQ(waiting->state, TargetsOutcome::State::Awaiting);
  EXPECT_EQ(waiting->bins, 8U);
  EXPECT_TRUE(waiting->bins_are_new);
  EXPECT_FALSE(ws_.bundles().empty());
  EXPECT_FALSE((*ws_.read()->targets())->delegations);
  EXPECT_TRUE((*ws_.read()->snapshot())->meta.find(RoleName("fw-7")));
  EXPECT_FALSE(ws_.apply({ws_.artifact("a", "a")}));  // it waits for its holders
  const auto done = ws_.init_role({1});
  ASSERT_TRUE(done) << explain(done.error());
  EXPECT_EQ(done->state, TargetsOutcome::State::Published);
  EXPECT_FALSE(done->bins_are_new);
  const auto none = ws_.find("fw/a", HardwareId("hw-1"));
  ASSERT_FALSE(none);
  EXPECT_EQ(rejection_in(none.error())->rule, RuleId::TargetNotFound);
  EXPECT_EQ(ws_.init_role()->state, TargetsOutcome::State::Unchanged);
}

TEST_F(Release, RoleKeepsWhatItWasMadeWith) {
  init();
  const auto other = ws_.init_role({0, 1}, 4);
  ASSERT_FALSE(other);
  EXPECT_TRUE(is_fault(other.error(), Fault::Kind::Conflict));
  InitRoleRequest same_paths = ws_.init_request({0, 1});
  same_paths.plan.name = RoleName("rival");
  const auto rival = init_release_role(ws_.workspace(), same_paths, kNow);
  ASSERT_FALSE(rival);
  EXPECT_TRUE(is_fault(rival.error(), Fault::Kind::Conflict));
}

TEST_F(Release, PublishesManyAtOnceAndVehiclesFindThem) {  // IMG-5, FMT-105
  init();
  std::vector<Artifact> artifacts;
  artifacts.reserve(40);
  for (int i = 0; i < 40; ++i)
    artifacts.push_back(ws_.artifact(std::to_string(i), "image " + std::to_string(i % 10)));
  const auto outcome = ws_.apply(artifacts);
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->state, State::Published);
  EXPECT_EQ(outcome->added, 40U);
  EXPECT_EQ(outcome->bytes, 10U * 7);  // each file once
  for (const Artifact& artifact : artifacts) {
    const auto found = ws_.find(artifact.release.name.value(), HardwareId("hw-1"));
    ASSERT_TRUE(found) << explain(found.error());
    EXPECT_EQ(found->target.length, 7U);
  }
  repository::FolderTransport folder(ws_.repo());
  const auto health = check_repository(folder, kNow, {});
  ASSERT_TRUE(health);
  EXPECT_TRUE(health->healthy()) << health->problems.front();
  EXPECT_EQ(health->images, 40U);
}

TEST_F(Release, OfOneImageTouchesOneBin) {
  init();
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "a"), ws_.artifact("b", "b"), ws_.artifact("c", "c")}));
  const auto before = metadata();
  const auto outcome = ws_.apply({ws_.artifact("d", "d")});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->bins, 1U);
  std::set<std::string> added;
  std::ranges::set_difference(metadata(), before, std::inserter(added, added.end()));
  ASSERT_EQ(added.size(), 2U);  // and the timestamp was replaced
  EXPECT_EQ(std::ranges::count_if(added, [](const auto& name) { return name.find(".fw-") != name.npos; }), 1);
}

// Whichever key is gone, clients see nothing.
TEST_F(Release, FailsWithItsSignersAndShowsNothing) {
  init();
  const std::set<std::string> before = metadata();
  const auto versions = ws_.read();
  ASSERT_TRUE(versions);
  struct Broken final : crypto::Signer {
    explicit Broken(crypto::Signer& signer) : key(&signer) {}
    [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key->public_key(); }
    Result<crypto::Signature> sign(ByteView) override {
      return fault(Fault::Kind::Denied, "the token is gone");
    }
    crypto::Signer* key;
  };
  const app::OnlineSigners online = ws_.keys.online();
  Broken role(*ws_.release_key.front()), snapshot(*online.snapshot), timestamp(*online.timestamp);
  const std::vector<ReleaseSigners> all = {
      {online, &role},
      {{&snapshot, online.timestamp, online.ledger}, ws_.release_key.front().get()},
      {{online.snapshot, &timestamp, online.ledger}, ws_.release_key.front().get()},
      {{&snapshot, &timestamp, online.ledger}, &role}};
  for (const ReleaseSigners& signers : all) {
    ApplyRequest request = ws_.request({ws_.artifact("a", "1"), ws_.artifact("b", "2")});
    request.signers = [&] { return Result<ReleaseSigners>(signers); };
    const auto outcome = apply_release(ws_.workspace(), request, kNow);
    EXPECT_TRUE(is_denied(outcome));
    const auto now = ws_.read();
    ASSERT_TRUE(now);
    EXPECT_EQ((*now->timestamp())->version, (*versions->timestamp())->version);
  }
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "1"), ws_.artifact("b", "2")}));
  EXPECT_GT(metadata().size(), before.size());
}

/// Another's key, which counts what it signed.
class Counted final : public crypto::Signer {
 public:
  explicit Counted(crypto::Signer& key) : key_(&key) {}
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return key_->public_key(); }
  Result<crypto::Signature> sign(ByteView message) override {
    ++times;
    return key_->sign(message);
  }
  int times = 0;

 private:
  crypto::Signer* key_;
};

// A signing process notes what a snapshot lists, and signs none that lists less: bins of a snapshot that was
// signed and not published would be in the way of every one to come.
TEST_F(Release, ThatTheFleetCannotVerifyLeavesTheSnapshotUnsigned) {  // KEY-10
  const auto made = ws_.init_role({0, 1}, 6);
  ASSERT_TRUE(made) << explain(made.error());
  const auto vehicle = test::factory_record("VIN-1");
  const HardwareId& gateway = vehicle.ecus.at(0).hardware_id;
  const auto takes = [&](std::optional<std::uint64_t> bytes) {
    host::Db db = storage::open_database(ws_.workspace().db_path()).value();
    inventory::Abilities abilities;
    abilities.max_metadata = bytes;
    EXPECT_TRUE(note_abilities(db, gateway, abilities, kNow));
    return db;
  };
  {
    host::Db db = takes(ws_.read()->snapshot()->wire().size() - 1);
    ASSERT_TRUE(storage::InventoryStore(db).add(vehicle, kNow));
  }
  Counted snapshot(*ws_.keys.snapshot.front());
  ApplyRequest request = ws_.request({ws_.artifact("a", "a")});
  request.signers = [&]() -> Result<ReleaseSigners> {
    return ReleaseSigners{{&snapshot, ws_.keys.timestamp.front().get()}, ws_.release_key.front().get()};
  };
  const auto refused = apply_release(ws_.workspace(), request, kNow);
  ASSERT_TRUE(is_denied(refused));
  EXPECT_NE(explain(refused.error()).find("cannot verify snapshot"), std::string::npos)
      << explain(refused.error());
  EXPECT_EQ(snapshot.times, 0);
  takes(std::nullopt);
  const auto taken = apply_release(ws_.workspace(), request, kNow);
  ASSERT_TRUE(taken) << explain(taken.error());
  EXPECT_EQ(snapshot.times, 1);
}

TEST_F(Release, SnapshotListsBinsByVersionAlone) {  // FMT-46
  init();
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "a")}));
  const auto set = ws_.read();
  for (const model::MetaFiles::Entry entry : (*set->snapshot())->meta) {
    EXPECT_EQ(entry.meta().hashes.has_value(), entry.role == "targets") << entry.role;
    EXPECT_EQ(entry.meta().length.has_value(), entry.role == "targets") << entry.role;
  }
}

TEST_F(Release, OfWhatIsThereChangesNothing) {
  init();
  const std::vector<Artifact> artifacts = {ws_.artifact("a", "a", std::nullopt), ws_.artifact("b", "b")};
  ASSERT_TRUE(ws_.apply(artifacts));
  const std::string timestamp = test::content_of(ws_.repo() / "timestamp.json");
  const auto again = ws_.apply(artifacts);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->state, State::Unchanged);
  EXPECT_EQ(again->unchanged, 2U);
  EXPECT_EQ(test::content_of(ws_.repo() / "timestamp.json"), timestamp);
}

TEST_F(Release, MendsADamagedImageThatIsListedAlready) {
  init();
  const auto first = ws_.apply({ws_.artifact("a", "image")});
  test::write(
      ws_.layout().image(TargetName("fw/a"), to_hex(*first->hashes[0].find(crypto::HashFunction::Sha512))),
      "imagX");
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "image")}));
  repository::FolderTransport folder(ws_.repo());
  EXPECT_TRUE(check_repository(folder, kNow, {})->healthy());
}

TEST_F(Release, ThatIsOnlyTriedKeepsNothing) {
  init();
  const auto before = metadata();
  ApplyRequest request = ws_.request({ws_.artifact("a", "a")});
  request.dry_run = true;
  request.signers = {};
  const auto outcome = apply_release(ws_.workspace(), request, kNow);
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->state, State::WouldPublish);
  EXPECT_EQ(outcome->added, 1U);
  EXPECT_EQ(metadata(), before);
  EXPECT_FALSE(fs::exists(ws_.repo() / "targets"));
}

TEST_F(Release, RefusesWhatTheRoleMayNotList) {
  init();
  Artifact elsewhere = ws_.artifact("a", "a");
  elsewhere.release.name = TargetName("other/a");
  Artifact foreign = ws_.artifact("b", "b");
  foreign.release.hardware_ids = {HardwareId("hw-9")};
  const auto outcome = ws_.apply({elsewhere, foreign, ws_.artifact("c", "c")});
  ASSERT_TRUE(is_denied(outcome));
  const std::string text = explain(outcome.error());
  EXPECT_NE(text.find("other/a"), std::string::npos) << text;  // all at once
  EXPECT_NE(text.find("hw-9"), std::string::npos) << text;
  EXPECT_TRUE(ws_.listed().empty());
}

TEST_F(Release, RefusesWhatAnotherRoleLists) {
  ASSERT_TRUE(ws_.publish("fw/a", "image"));
  init();
  EXPECT_TRUE(is_denied(ws_.apply({ws_.artifact("a", "other")})));
  ASSERT_TRUE(ws_.apply({ws_.artifact("b", "b")}));
  const auto in_targets = ws_.publish("fw/b", "other");
  ASSERT_FALSE(in_targets);
  EXPECT_TRUE(is_fault(in_targets.error(), Fault::Kind::Denied));
}

TEST_F(Release, RefusesACounterThatGoesBackInWhicheverFileItWas) {  // IMG-9
  init();
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "a", 7)}));
  EXPECT_TRUE(is_denied(ws_.apply({ws_.artifact("b", "b", 6)})));
  const auto next = ws_.apply({ws_.artifact("c", "c", std::nullopt), ws_.artifact("d", "d", std::nullopt)});
  ASSERT_TRUE(next);
  EXPECT_EQ(next->counters, (std::vector{ReleaseCounter(8), ReleaseCounter(8)}));
  PublishRequest lower = ws_.TestWorkspace::request("top", "image", {0, 1});
  lower.release.counter = ReleaseCounter(7);
  const auto refused = ws_.publish(lower);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
  ASSERT_TRUE(ws_.publish("top", "image"));
  EXPECT_EQ(ws_.apply({ws_.artifact("e", "e", std::nullopt)})->counters.front(), ReleaseCounter(10));
}

TEST_F(Release, RefusesAKeyThatIsNotTheRoles) {  // IMG-2
  init();
  const auto stranger = sim::key("stranger");
  ApplyRequest request = ws_.request({ws_.artifact("a", "a")});
  request.signers = [&] { return Result<ReleaseSigners>(ReleaseSigners{ws_.keys.online(), stranger.get()}); };
  EXPECT_TRUE(is_denied(apply_release(ws_.workspace(), request, kNow)));
  EXPECT_TRUE(ws_.listed().empty());
}

TEST_F(Release, TellsOfAllFilesThatAreMissing) {
  init();
  Artifact one = ws_.artifact("a", "a"), other = ws_.artifact("b", "b");
  one.file = "/nowhere/one";
  other.file = "/nowhere/other";
  const auto outcome = ws_.apply({one, other});
  ASSERT_FALSE(outcome);
  const std::string text = explain(outcome.error());
  EXPECT_NE(text.find("/nowhere/one"), std::string::npos) << text;
  EXPECT_NE(text.find("/nowhere/other"), std::string::npos) << text;
}

/// Whoever holds the role's key, and a mirror, signs what he likes into a bin: no vehicle looks for it there.
TEST_F(Release, KeyIsWorthItsPathsAndItsHardwareAlone) {
  init();
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "a")}));
  const auto set = ws_.read();
  for (const std::string name : {"brakes/x", "fw/x"}) {
    for (std::uint64_t bin = 0; bin < 8; ++bin) {  // in whichever bin he tries
      model::SuccinctRoles bins;
      bins.bit_length = 3;
      bins.name_prefix = "fw";
      const auto listed = set->listed(bins.bin(bin));
      model::Targets forged = repository::empty_bin(listed->version, kNow + kBinLifetime);
      repository::Release release = ws_.artifact("x", "x").release;
      release.length = 1;
      release.hashes = crypto::Hashes::of(to_bytes("x"));
      release.hardware_ids = {HardwareId("hw-9")};
      forged.targets.emplace(TargetName(name), repository::target_of(release, ReleaseCounter(9)));
      trust::Draft<model::Targets> draft(forged);
      ASSERT_TRUE(draft.sign(*ws_.release_key.front()));
      test::write(ws_.layout().metadata(bins.bin(bin), listed->version), as_text(draft.wire()));
    }
    const auto found = ws_.find(name, HardwareId("hw-9"));
    ASSERT_FALSE(found) << name;
    EXPECT_EQ(rejection_in(found.error())->rule, RuleId::TargetNotFound);
  }
}

TEST_F(Release, RenewsBinsThatAreAboutToExpireAsTheyStand) {
  init();
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "a")}));
  const auto before = ws_.listed();
  const auto signers = [&] { return ws_.release_signers(); };
  EXPECT_EQ(renew_release_role(ws_.workspace(), kFirmware, std::chrono::days(90), signers, kNow)->renewed,
            0U);
  const auto renewed = renew_release_role(ws_.workspace(), kFirmware, std::chrono::days(400), signers, kNow);
  ASSERT_TRUE(renewed) << explain(renewed.error());
  EXPECT_EQ(renewed->renewed, 8U);
  EXPECT_EQ(ws_.listed(), before);
}

/// Any set of artifacts, in any split into manifests of one counter, gives the same bins.
TEST(ReleaseProperty, AnySplitGivesTheSameTargets) {
  for (unsigned seed = 1; seed <= 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const test::ReleaseWorkspace whole, split;
    ASSERT_TRUE(whole.init_role() && split.init_role());
    const std::size_t count = 1 + random() % 25;
    std::vector<std::pair<std::string, std::string>> contents;
    for (std::size_t i = 0; i < count; ++i)
      contents.emplace_back(std::to_string(i), std::to_string(random() % 5));
    const auto artifacts_in = [&](const test::ReleaseWorkspace& ws) {
      std::vector<Artifact> artifacts;
      artifacts.reserve(contents.size());
      for (const auto& [name, content] : contents) artifacts.push_back(ws.artifact(name, content));
      return artifacts;
    };
    ASSERT_TRUE(whole.apply(artifacts_in(whole)));
    std::vector<Artifact> rest = artifacts_in(split);
    std::shuffle(rest.begin(), rest.end(), random);
    while (!rest.empty()) {
      const auto size = static_cast<std::ptrdiff_t>(1 + random() % rest.size());
      const std::vector<Artifact> part(rest.end() - size, rest.end());
      if (random() % 2 == 0) rest.resize(rest.size() - part.size());  // else some come twice
      const auto outcome = split.apply(part);
      ASSERT_TRUE(outcome) << explain(outcome.error());
    }
    EXPECT_EQ(whole.listed(), split.listed());
  }
}

TEST(ReleaseManifests, SayAllThatIsWrongByLine) {
  const sim::TempDir dir;
  test::write(dir.path() / "m.toml",
              "role = \"fw\"\n[[artifact]]\nfile = \"a\"\nname = \"../a\"\nhardware_ids = [\"h\"]\n"
              "version = \"1\"\n[[artifact]]\nfile = 3\nname = \"b\"\nhardware_ids = [\"h\"]\n"
              "version = \"1\"\nwhat = 1\n");
  const auto manifest = ReleaseManifest::read(dir.path() / "m.toml");
  ASSERT_FALSE(manifest);
  const std::string text = explain(manifest.error());
  EXPECT_NE(text.find("line 2"), std::string::npos) << text;
  EXPECT_NE(text.find("../a"), std::string::npos) << text;
  EXPECT_NE(text.find("line 8: file must be a string"), std::string::npos) << text;
  EXPECT_NE(text.find("line 12: unknown key"), std::string::npos) << text;
}

TEST(ReleaseManifests, AreRead) {
  const sim::TempDir dir;
  test::write(dir.path() / "m.toml",
              "role = \"fw\"\n[[artifact]]\nfile = \"out/a\"\nname = \"fw/a\"\nhardware_ids = [\"h\"]\n"
              "version = \"1\"\nrelease_counter = 4\n");
  const auto manifest = ReleaseManifest::read(dir.path() / "m.toml");
  ASSERT_TRUE(manifest) << explain(manifest.error());
  EXPECT_EQ(manifest->role, kFirmware);
  ASSERT_EQ(manifest->artifacts.size(), 1U);
  EXPECT_EQ(manifest->artifacts[0].file, dir.path() / "out/a");
  EXPECT_EQ(manifest->artifacts[0].release.counter, ReleaseCounter(4));
}

}  // namespace
}  // namespace cotter::app
