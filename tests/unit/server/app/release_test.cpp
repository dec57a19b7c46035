#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>

#include "common/trust/draft.h"
#include "server/app/abilities.h"
#include "server/app/apply_release.h"
#include "server/app/check_repository.h"
#include "server/app/init_release_role.h"
#include "server/app/trace_workspace.h"
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

TEST_F(Release, ShowsNothingWhereItsImagesCannotBeStored) {  // FMT-105
  init();
  const Version before = (*ws_.read()->timestamp())->version;
  test::write(ws_.repo() / "targets", "no folder");
  EXPECT_FALSE(ws_.apply({ws_.artifact("a", "a")}));
  EXPECT_EQ((*ws_.read()->timestamp())->version, before);
  fs::remove(ws_.repo() / "targets");
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "a")}));
  EXPECT_TRUE(ws_.find("fw/a"));
}

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
    request.signers = [&](const RoleName&) { return Result<ReleaseSigners>(signers); };
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
  request.signers = [&](const RoleName&) -> Result<ReleaseSigners> {
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

const RoleName kTools("tools");

/// The workspace with another release role beside it, which has a key of its own.
class SeveralRoles : public Release {
 protected:
  void SetUp() override {
    init();
    InitRoleRequest request = ws_.init_request({0, 1});
    request.plan.name = kTools;
    request.plan.paths = {"tools/*"};
    request.plan.key = tools_key_->public_key();
    request.signers = [this] { return signers(kTools, *tools_key_); };
    const auto made = init_release_role(ws_.workspace(), request, kNow);
    ASSERT_TRUE(made) << explain(made.error());
  }
  [[nodiscard]] Result<ReleaseSigners> signers(const RoleName& role, crypto::Signer& tools) const {
    return ReleaseSigners{ws_.keys.online(), role == kTools ? &tools : ws_.release_key.front().get()};
  }
  [[nodiscard]] Artifact tool(const std::string& name, std::optional<std::uint64_t> counter = 1) const {
    Artifact artifact = ws_.artifact(name, name, counter);
    artifact.release.name = TargetName("tools/" + name);
    artifact.role = kTools;
    return artifact;
  }
  [[nodiscard]] ApplyRequest request(std::vector<Artifact> artifacts) const {
    ApplyRequest request = ws_.request(std::move(artifacts));
    request.signers = [this](const RoleName& role) { return signers(role, *tools_key_); };
    return request;
  }
  const std::shared_ptr<crypto::Signer> tools_key_ = sim::key("image-tools");
};

TEST_F(SeveralRoles, ArePublishedByOneSnapshot) {
  const auto before = metadata();
  const auto outcome =
      apply_release(ws_.workspace(), request({ws_.artifact("a", "a"), tool("x"), tool("y", 7)}), kNow);
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->added, 3U);
  EXPECT_EQ(outcome->counters, (std::vector{ReleaseCounter(1), ReleaseCounter(1), ReleaseCounter(7)}));
  ASSERT_EQ(outcome->roles.size(), 2U);
  EXPECT_EQ(outcome->roles.at(kFirmware).added, 1U);
  EXPECT_EQ(outcome->roles.at(kTools).added, 2U);
  EXPECT_EQ(outcome->bins, outcome->roles.at(kFirmware).bins + outcome->roles.at(kTools).bins);
  std::set<std::string> added;
  std::ranges::set_difference(metadata(), before, std::inserter(added, added.end()));
  const auto count = [&](const std::string& part) {
    return std::ranges::count_if(
        added, [&](const auto& name) { return name.ends_with(".json") && name.find(part) != name.npos; });
  };
  EXPECT_EQ(count(".snapshot.json"), 1);
  EXPECT_EQ(count(".fw-"), 1);
  EXPECT_EQ(static_cast<std::uint64_t>(count(".tools-")), outcome->roles.at(kTools).bins);
  for (const auto& [name, lister] :
       {std::pair("fw/a", "fw-"), std::pair("tools/x", "tools-"), std::pair("tools/y", "tools-")}) {
    const auto found = ws_.find(name, HardwareId("hw-1"));
    ASSERT_TRUE(found) << explain(found.error());
    EXPECT_TRUE(found->role.value().starts_with(lister)) << found->role.value();
  }
  // One touches the other no more than a release of one role does.
  const auto alone = apply_release(ws_.workspace(), request({tool("z", 7), ws_.artifact("a", "a")}), kNow);
  ASSERT_TRUE(alone) << explain(alone.error());
  EXPECT_EQ(alone->roles.at(kFirmware).bins, 0U);
  EXPECT_EQ(alone->roles.at(kFirmware).unchanged, 1U);
  EXPECT_EQ(alone->roles.at(kFirmware).release, Version(0));
}

TEST_F(SeveralRoles, ShowNothingWhereOneOfThemCannotSign) {
  const auto stranger = sim::key("stranger");
  const auto published = ws_.read();
  ASSERT_TRUE(published);
  std::vector<RoleName> asked;
  ApplyRequest release = request({ws_.artifact("a", "a"), tool("x")});
  release.signers = [&](const RoleName& role) {
    asked.push_back(role);
    return signers(role, *stranger);
  };
  EXPECT_TRUE(is_denied(apply_release(ws_.workspace(), release, kNow)));
  EXPECT_EQ(asked, (std::vector{kFirmware, kTools}));
  EXPECT_EQ((*ws_.read()->timestamp())->version, (*published->timestamp())->version);
  EXPECT_TRUE(ws_.listed().empty());
}

TEST_F(SeveralRoles, ListWhatIsTheirsAlone) {
  Artifact mixed_up = tool("x");
  mixed_up.role = kFirmware;
  const auto outcome = apply_release(ws_.workspace(), request({ws_.artifact("a", "a"), mixed_up}), kNow);
  ASSERT_TRUE(is_denied(outcome));
  EXPECT_NE(explain(outcome.error()).find("role fw may not list tools/x"), std::string::npos)
      << explain(outcome.error());
}

TEST_F(SeveralRoles, AreTracedEachThroughItsOwnRelease) {
  ASSERT_TRUE(apply_release(ws_.workspace(), request({ws_.artifact("a", "a"), tool("x")}), kNow));
  host::Db db = storage::open_database(ws_.workspace().db_path()).value();
  for (const auto& [name, role] : {std::pair("fw/a", kFirmware), std::pair("tools/x", kTools)}) {
    const auto told = trace_in(ws_.workspace(), db, trace_query(name).value());
    ASSERT_TRUE(told) << explain(told.error());
    EXPECT_TRUE(told->problems.empty()) << told->problems.front();
    ASSERT_EQ(told->artifacts.size(), 1U);
    ASSERT_EQ(told->artifacts.front().published.size(), 1U);
    const Listing& listing = told->artifacts.front().published.front().first;
    EXPECT_EQ(listing.release_role, role);
    EXPECT_TRUE(listing.release) << "the entry that told of it";
    EXPECT_TRUE(told->release_lines.contains({role, listing.version}));
  }
}

TEST_F(Release, TellsHowFarReadingAndSigningAre) {
  init();
  std::vector<Artifact> artifacts;
  for (int i = 0; i < 40; ++i) artifacts.push_back(ws_.artifact(std::to_string(i), std::to_string(i % 10)));
  ApplyRequest request = ws_.request(artifacts);
  std::map<ApplyPhase, std::pair<std::uint64_t, std::uint64_t>> last;
  std::vector<ApplyPhase> phases;
  request.progress = [&](ApplyPhase phase, std::uint64_t done, std::uint64_t total) {
    if (phases.empty() || phases.back() != phase) phases.push_back(phase);
    EXPECT_LE(last[phase].first, done);
    EXPECT_LE(done, total);
    last[phase] = {done, total};
  };
  const auto outcome = apply_release(ws_.workspace(), request, kNow);
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(phases, (std::vector{ApplyPhase::Reading, ApplyPhase::Signing}));
  EXPECT_EQ(last[ApplyPhase::Reading], std::pair(outcome->bytes, outcome->bytes));
  EXPECT_EQ(last[ApplyPhase::Signing], std::pair(outcome->bins, outcome->bins));
}

TEST_F(Release, SnapshotListsBinsByVersionAlone) {  // FMT-46
  init();
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "a")}));
  const auto set = ws_.read();
  for (const model::MetaFiles::Entry entry : (*set->snapshot())->meta) {
    const bool is_bin = entry.role != "targets" && entry.role != kFirmware.value();
    EXPECT_NE(entry.meta().hashes.has_value(), is_bin) << entry.role;
    EXPECT_NE(entry.meta().length.has_value(), is_bin) << entry.role;
  }
}

TEST_F(Release, NoOldBinStandsInForTheRolesOwnFile) {
  init();
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "old")}));
  ASSERT_TRUE(renew_release_role(
      ws_.workspace(), kFirmware, std::chrono::days(10'000), [&] { return ws_.release_signers(); }, kNow));
  const std::string own = std::to_string(ws_.read()->listed(kFirmware)->version.value());
  ASSERT_TRUE(ws_.apply({ws_.artifact("a", "new", 2)}));
  ASSERT_TRUE(ws_.find("fw/a"));
  // Without a key: the bin of the version that the role's own file has, whose key signed both.
  const std::string bin =
      model::SuccinctRoles{{}, 3, kFirmware.value(), {}}.bin_of(TargetName("fw/a")).value();
  fs::copy_file(ws_.repo() / (own + "." + bin + ".json"),
                ws_.repo() / (own + "." + kFirmware.value() + ".json"), fs::copy_options::overwrite_existing);
  const auto found = ws_.find("fw/a");
  ASSERT_FALSE(found) << "the old image came back";
  ASSERT_NE(rejection_in(found.error()), nullptr) << summary(found.error());
  EXPECT_EQ(rule_of(rejection_in(found.error())->rule).name, "targets-length-wrong");
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
  request.signers = [&](const RoleName&) {
    return Result<ReleaseSigners>(ReleaseSigners{ws_.keys.online(), stranger.get()});
  };
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

TEST(ReleaseManifests, NameARoleForAllOrForEach) {
  const sim::TempDir dir;
  const auto artifact = [](const std::string& name, const std::string& more) {
    return "[[artifact]]\nfile = \"a\"\nname = \"" + name + "\"\nhardware_ids = [\"h\"]\nversion = \"1\"\n" +
           more;
  };
  const auto read = [&](const std::string& text) {
    test::write(dir.path() / "m.toml", text);
    return ReleaseManifest::read(dir.path() / "m.toml");
  };
  const std::string own = artifact("tools/a", "role = \"tools\"\n");
  const auto both = read("role = \"fw\"\n" + artifact("fw/a", "") + own);
  ASSERT_TRUE(both) << explain(both.error());
  EXPECT_EQ(both->role_of(both->artifacts[0]), kFirmware);
  EXPECT_EQ(both->role_of(both->artifacts[1]), RoleName("tools"));
  EXPECT_EQ(both->roles(), (std::set{kFirmware, RoleName("tools")}));
  const auto each = read(own);
  ASSERT_TRUE(each) << explain(each.error());
  EXPECT_EQ(each->roles(), std::set{RoleName("tools")});
  const auto none = read(own + artifact("fw/a", ""));
  ASSERT_FALSE(none);
  EXPECT_NE(explain(none.error()).find("role is missing: here, or in each [[artifact]]"), std::string::npos)
      << explain(none.error());
  std::string many;
  for (std::size_t i = 0; i <= ReleaseManifest::kMostRoles; ++i)
    many += artifact("a" + std::to_string(i), "role = \"r" + std::to_string(i) + "\"\n");
  EXPECT_FALSE(read(many));
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
