#include "server/app/grow_release_role.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "common/keystore/file_keystore.h"
#include "server/app/abilities.h"
#include "server/app/check_repository.h"
#include "server/app/targets_ceremony.h"
#include "server/app/targets_change.h"
#include "server/app/trace_workspace.h"
#include "server/ceremony/agreed_bins.h"
#include "server/signing/service.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/inventory_store.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/release_workspace.h"

namespace cotter::app {
namespace {

using test::kFirmware;
using test::kNow;
using GrowState = GrowOutcome::State;

/// A role of eight bins with forty images.
class Growing : public testing::Test {
 protected:
  void SetUp() override {
    const auto made = ws_.init_role();
    ASSERT_TRUE(made) << explain(made.error());
    std::vector<Artifact> artifacts;
    artifacts.reserve(kImages);
    for (int i = 0; i < kImages; ++i)
      artifacts.push_back(ws_.artifact(std::to_string(i), "image " + std::to_string(i), 7));
    const auto applied = ws_.apply(artifacts);
    ASSERT_TRUE(applied) << explain(applied.error());
  }
  void grow(std::uint32_t bits) const {
    const auto outcome = ws_.grow(bits);
    ASSERT_TRUE(outcome) << explain(outcome.error());
    ASSERT_EQ(outcome->state, GrowState::Grown);
  }
  /// As it could be done before the names that bins may get were kept free.
  [[nodiscard]] TargetsOutcome::State delegate(const char* role,
                                               std::initializer_list<std::size_t> holders) const {
    InitRoleRequest request = ws_.init_request(holders);
    request.plan.name = RoleName(role);
    request.plan.paths = {"doors/*"};
    const Workspace workspace = ws_.workspace();
    RepositoryWriter writer = RepositoryWriter::open(workspace, kNow).value();
    TargetsChange change = TargetsChange::begin(workspace, writer, request).value();
    model::Targets next = change.listed();
    EXPECT_TRUE(repository::add_delegation(next, request.plan));
    const auto done = change.finish(std::move(next), "a role");
    EXPECT_TRUE(done) << explain(done.error());
    return done ? done->state : TargetsOutcome::State::Unchanged;
  }
  /// The whole folder's file names, and what the timestamp says.
  [[nodiscard]] std::set<std::string> shown() const {
    std::set<std::string> names{test::content_of(ws_.repo() / "timestamp.json")};
    for (const auto& entry : std::filesystem::directory_iterator(ws_.repo()))
      names.insert(entry.path().filename().string());
    return names;
  }
  [[nodiscard]] RepositoryHealth health() const {
    repository::FolderTransport folder(ws_.repo());
    auto health = check_repository(folder, kNow, {});
    EXPECT_TRUE(health) << explain(health.error());
    return health ? *std::move(health) : RepositoryHealth();
  }
  template <class T>
  static bool is(const Result<T>& outcome, Fault::Kind kind) {
    return !outcome && is_fault(outcome.error(), kind);
  }

  static constexpr int kImages = 40;
  test::ReleaseWorkspace ws_;
};

TEST_F(Growing, WaitsForItsHoldersAndThenShowsAllAtOnce) {
  const auto before = shown();
  const auto listed = ws_.listed(3);
  GrowRequest unsure = ws_.grow_request({0, 1}, 5);
  unsure.confirmed = false;
  const auto tried = grow_release_role(ws_.workspace(), unsure, kNow);
  ASSERT_TRUE(tried) << explain(tried.error());
  EXPECT_EQ(tried->state, GrowState::WouldGrow);
  EXPECT_EQ(shown(), before) << "a script that forgot --yes";
  EXPECT_TRUE(ws_.bundles().empty());

  const auto ask = [&](std::initializer_list<std::size_t> holders) {
    const auto waiting = ws_.grow(5, holders);  // with the role's key and all online keys at hand
    ASSERT_TRUE(waiting) << explain(waiting.error());
    EXPECT_EQ(waiting->state, GrowState::Awaiting);
    EXPECT_EQ(waiting->agreement.signatures, holders.size());
    ASSERT_EQ(waiting->agreement.summary.size(), 1U);
    EXPECT_EQ(waiting->agreement.summary[0], "split the 8 bins of role fw into 32, for good");
    EXPECT_EQ(shown(), before);
  };
  ask({});
  ask({0});
  const auto grown = ws_.grow(5, {1});
  ASSERT_TRUE(grown) << explain(grown.error());
  EXPECT_EQ(grown->state, GrowState::Grown);
  EXPECT_EQ(grown->growth.bins, 32U);
  EXPECT_EQ(ws_.listed(5), listed);
  const auto again = ws_.grow(5, {});
  ASSERT_TRUE(again) << explain(again.error());
  EXPECT_EQ(again->state, GrowState::Unchanged);
}

TEST_F(Growing, GoesOnWhereTheCeremonyWasClosed) {
  ASSERT_EQ(ws_.grow(4, {})->state, GrowState::Awaiting);
  TargetsSigning signing;
  for (const std::size_t holder : {std::size_t{0}, std::size_t{1}})
    signing.holders.push_back(ws_.keys.targets.at(holder).get());
  signing.online = [this] { return Result<OnlineSigners>(ws_.keys.online()); };
  const auto closed = close_targets_ceremony(ws_.workspace(), signing, {}, kNow);
  ASSERT_TRUE(closed) << explain(closed.error());
  ASSERT_EQ(closed->state, TargetsOutcome::State::Published);
  EXPECT_EQ(ws_.bits(), 3U) << "they agreed, no more";
  ASSERT_EQ(ws_.grow(5, {})->state, GrowState::Awaiting) << "that is not what they agreed to";
  for (const auto& bundle : ws_.bundles()) std::filesystem::remove(ws_.pending() / bundle);
  const auto grown = ws_.grow(4, {});
  ASSERT_TRUE(grown) << explain(grown.error());
  EXPECT_TRUE(grown->agreed);
  EXPECT_EQ(grown->state, GrowState::Grown);
  EXPECT_EQ(ws_.bits(), 4U);
}

TEST_F(Growing, LosesNoImageForAnyVehicle) {  // IMG-5
  const auto in_mid_cycle = ws_.read();
  ASSERT_TRUE(in_mid_cycle);
  grow(4);  // as many digits, so that old names are new names too
  grow(6);
  const HardwareId hardware("hw-1");
  for (int i = 0; i < kImages; ++i) {
    const std::string name = "fw/" + std::to_string(i);
    const auto found = ws_.find(name, hardware);
    ASSERT_TRUE(found) << explain(found.error());
    const auto old = ws_.find_from(*in_mid_cycle, name, hardware);
    ASSERT_TRUE(old) << explain(old.error());
    EXPECT_EQ(old->target.encode(), found->target.encode());
  }
  EXPECT_EQ(rejection_in(ws_.find("fw/none", hardware).error())->rule, RuleId::TargetNotFound);
  const RepositoryHealth after = health();
  EXPECT_TRUE(after.healthy()) << after.problems.front();
  EXPECT_EQ(after.images, std::uint64_t{kImages});
  for (const std::string& warning : after.warnings)
    EXPECT_EQ(warning.find("nobody delegates"), std::string::npos) << warning;
}

TEST_F(Growing, LeavesNoNameOutOfTheSnapshot) {  // VER-26
  const auto before = ws_.read();
  grow(5);
  const auto after = ws_.read();
  for (const model::MetaFiles::Entry entry : (*before->snapshot())->meta) {
    const auto listed = after->listed(RoleName{std::string(entry.role)});
    ASSERT_TRUE(listed) << entry.role;
    EXPECT_GE(listed->version, entry.version);
  }
  EXPECT_EQ(after->listed(RoleName("fw-7"))->version, before->listed(RoleName("fw-7"))->version);
  EXPECT_EQ(after->listed(RoleName("fw-1f"))->version, after->listed(kFirmware)->version);
}

TEST_F(Growing, SaysWhatItCosts) {
  const auto before = ws_.read();
  const auto outcome = ws_.grow(5);
  ASSERT_TRUE(outcome) << explain(outcome.error());
  const Growth& growth = outcome->growth;
  EXPECT_EQ(growth.bins_before, 8U);
  EXPECT_EQ(growth.left_behind, 8U);
  EXPECT_EQ(growth.snapshot_before, before->snapshot()->wire().size());
  const double really = static_cast<double>(ws_.read()->snapshot()->wire().size());
  EXPECT_NEAR(static_cast<double>(growth.snapshot), really, really / 10);
  EXPECT_GT(growth.bin_before, growth.bin);
  EXPECT_GT(growth.bin, 300U) << "each has an expiry and a signature, however little it lists";
}

TEST_F(Growing, KeepsReleasesAndTheirCountersGoing) {  // IMG-9
  grow(5);
  const auto lower = ws_.apply({ws_.artifact("new", "new", 6)});
  EXPECT_TRUE(is(lower, Fault::Kind::Denied));
  const auto next =
      ws_.apply({ws_.artifact("new", "new", std::nullopt), ws_.artifact("3", "another 3", std::nullopt)});
  ASSERT_TRUE(next) << explain(next.error());
  EXPECT_EQ(next->counters, (std::vector{ReleaseCounter(8), ReleaseCounter(8)}));
  EXPECT_EQ(next->replaced, 1U);
  EXPECT_EQ(ws_.apply({ws_.artifact("5", "image 5", 7)})->unchanged, 1U);
  const auto renewed = renew_release_role(
      ws_.workspace(), kFirmware, std::chrono::days(400), [this] { return ws_.release_signers(); }, kNow);
  ASSERT_TRUE(renewed) << explain(renewed.error());
  EXPECT_EQ(renewed->renewed, 32U);
  EXPECT_TRUE(health().healthy());
}

TEST_F(Growing, IsNotUndone) {
  grow(4);
  EXPECT_TRUE(is(ws_.grow(3), Fault::Kind::Usage));
  EXPECT_TRUE(is(ws_.grow(repository::kMostBits + 1), Fault::Kind::Usage));
  EXPECT_EQ(ws_.bits(), 4U);
}

TEST_F(Growing, TakesNobodysName) {
  ASSERT_EQ(delegate("fw-1f", {0, 1}), TargetsOutcome::State::Published);
  EXPECT_TRUE(is(ws_.grow(5), Fault::Kind::Conflict));
  EXPECT_TRUE(ws_.grow(4));
}

TEST_F(Growing, TakesNoNameThatWaitsForItsHolders) {
  ASSERT_EQ(delegate("fw-1f", {0}), TargetsOutcome::State::Awaiting);
  const Version before = (*ws_.read()->targets())->version;
  EXPECT_TRUE(is(ws_.grow(5), Fault::Kind::Conflict)) << "both would be signed at once";
  EXPECT_EQ((*ws_.read()->targets())->version, before);
  EXPECT_EQ(ws_.bits(), 3U);
}

TEST_F(Growing, TakesTheRolesKeyAndNoOther) {  // IMG-2
  const auto stranger = sim::key("stranger");
  GrowRequest request = ws_.grow_request({0, 1}, 5);
  request.signers = [&]() -> Result<ReleaseSigners> {
    return ReleaseSigners{ws_.keys.online(), stranger.get()};
  };
  EXPECT_TRUE(is(grow_release_role(ws_.workspace(), request, kNow), Fault::Kind::Denied));
  EXPECT_EQ(ws_.bits(), 3U);
  EXPECT_EQ(ws_.grow(5, {})->state, GrowState::Grown) << "the holders had agreed";
}

// Of a role that grew in a signing process and not in the repository nothing more could be released.
TEST_F(Growing, OfWhichTheFleetCannotVerifyTheSnapshotIsPutBeforeNobody) {  // KEY-10
  {
    const auto vehicle = test::factory_record("VIN-1");
    host::Db db = storage::open_database(ws_.workspace().db_path()).value();
    inventory::Abilities abilities;
    abilities.max_metadata = ws_.read()->snapshot()->wire().size() + 100;
    ASSERT_TRUE(note_abilities(db, vehicle.ecus.at(0).hardware_id, abilities, kNow));
    ASSERT_TRUE(storage::InventoryStore(db).add(vehicle, kNow));
  }
  GrowRequest request = ws_.grow_request({0, 1}, 8);
  request.signers = []() -> Result<ReleaseSigners> {
    ADD_FAILURE() << "the role's key is asked for";
    return fault(Fault::Kind::Denied, "no key");
  };
  const auto refused = grow_release_role(ws_.workspace(), request, kNow);
  ASSERT_TRUE(is(refused, Fault::Kind::Denied));
  EXPECT_NE(explain(refused.error()).find("cannot verify snapshot"), std::string::npos)
      << explain(refused.error());
  EXPECT_TRUE(ws_.bundles().empty());
  const auto set = ws_.read();
  EXPECT_FALSE(ceremony::agreed_bits(**repository::find_delegation(**set->targets(), kFirmware)))
      << "nor before the holders";
}

TEST_F(Growing, IsNoBreakInAnImagesTrace) {
  const auto traced = [&] {
    host::Db db = storage::open_database(ws_.workspace().db_path()).value();
    auto told = trace_in(ws_.workspace(), db, trace_query("fw/3").value());
    EXPECT_TRUE(told) << explain(told.error());
    return told ? *std::move(told) : Trace();
  };
  grow(5);
  Trace told = traced();
  EXPECT_TRUE(told.problems.empty()) << told.problems.front();
  ASSERT_EQ(told.artifacts.size(), 1U);
  ASSERT_EQ(told.artifacts[0].published.size(), 1U) << "it went on being listed";
  const Span span = told.artifacts[0].published[0];
  EXPECT_EQ(span.first.role.value().size(), std::string("fw-0").size());
  EXPECT_EQ(span.last.role.value().size(), std::string("fw-00").size());
  for (const Listing* listing : span.all())
    EXPECT_TRUE(told.release_lines.contains({*listing->release_role, listing->version}));
  EXPECT_FALSE(span.ended);
  ASSERT_TRUE(ws_.apply({ws_.artifact("3", "another 3", std::nullopt)}));
  told = traced();
  EXPECT_TRUE(told.problems.empty()) << told.problems.front();
  ASSERT_EQ(told.artifacts.size(), 2U);
  EXPECT_TRUE(told.artifacts[0].published[0].ended) << "and ends where another stands for its name";
  const auto live = live_listing(ws_.workspace(), TargetName("fw/3"));
  ASSERT_TRUE(live && *live);
  EXPECT_EQ((*live)->way.back(), span.last.role);
}

struct StillClock final : Clock {
  [[nodiscard]] UtcTime now() const override { return kNow; }
};

/// The role's key in a signing process, without its socket, which ends after so many signatures.
class KeyInService final : public crypto::Signer {
 public:
  explicit KeyInService(const std::filesystem::path& dir) : service_(made(dir, clock_)) {
    const auto is = std::get<signing::KeyIs>(service_.answer({"image-fw"}, 0));
    key_.emplace(crypto::PublicKey::decode(is.key, crypto::Profile::Vehicle).value());
  }
  [[nodiscard]] const crypto::PublicKey& public_key() const noexcept override { return *key_; }
  Result<crypto::Signature> sign(ByteView message) override {
    if (left-- == 0) return fault(Fault::Kind::Io, "no signing process answers");
    const auto answer = service_.answer({"image-fw", Bytes(message.begin(), message.end())}, 0);
    if (const auto* signature = std::get_if<crypto::Signature>(&answer)) return *signature;
    const auto& refused = std::get<signing::Refused>(answer);
    return fault(Fault::Kind::Denied, refused.policy + ": " + refused.why);
  }
  int left = -1;  ///< for ever

 private:
  static signing::Service made(const std::filesystem::path& dir, const Clock& clock) {
    const auto words = [] {
      std::string text = "the signer's own words";
      return crypto::Secret::taking({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
    };
    auto store = keystore::FileKeystore::create(dir, words(), {1, 8 * 1024}).value();
    EXPECT_TRUE(store.generate("key-of-fw", "image/fw", kNow));
    const crypto::Secret passphrase = words();
    auto ring = keys::Keyring::open(dir, keystore::unlock_by(passphrase), {kFirmware}).value();
    return {std::move(ring),
            signing::Journal::open(dir).value(),
            {{signing::Duty::Release, {{0}, 10'000, kBinLifetime}}},
            clock,
            {kFirmware}};
  }
  StillClock clock_;
  signing::Service service_;
  std::optional<crypto::PublicKey> key_;
};

// By the role's file the signing process knows the new bins before anybody can see them.
TEST(GrowingByASigningProcess, GoesOnWhereItWasCutShort) {  // KEY-10, IMG-17
  const sim::TempDir dir;
  KeyInService key(dir.path() / "keys");
  const test::ReleaseWorkspace ws;
  const auto signers = [&]() -> Result<ReleaseSigners> { return ReleaseSigners{ws.keys.online(), &key}; };
  InitRoleRequest init = ws.init_request({0, 1}, 1);
  init.plan.key = key.public_key();
  init.signers = signers;
  ASSERT_TRUE(init_release_role(ws.workspace(), init, kNow));
  const auto apply = [&](const std::string& name) {
    ApplyRequest request = ws.request({ws.artifact(name, name)});
    request.signers = [&](const RoleName&) { return signers(); };
    return apply_release(ws.workspace(), request, kNow);
  };
  for (int i = 0; i < 12; ++i) ASSERT_TRUE(apply(std::to_string(i)));
  const auto listed = ws.listed(1);
  GrowRequest grow = ws.grow_request({0, 1}, 3);
  grow.signers = signers;
  int signatures = 0;
  for (;; ++signatures) {
    SCOPED_TRACE("cut short after " + std::to_string(signatures) + " signatures");
    key.left = signatures;
    const auto outcome = grow_release_role(ws.workspace(), grow, kNow);
    key.left = -1;
    if (outcome) break;
    ASSERT_TRUE(is_fault(outcome.error(), Fault::Kind::Io)) << explain(outcome.error());
    EXPECT_EQ(ws.listed(1), listed) << "vehicles find what they found";
    if (signatures == 0) continue;
    const auto between = apply("new");
    ASSERT_FALSE(between) << "its bin lists images of several new ones";
    EXPECT_NE(explain(between.error()).find("bin-foreign"), std::string::npos) << explain(between.error());
    EXPECT_NE(explain(between.error()).find("cotter release grow"), std::string::npos)
        << explain(between.error());
  }
  EXPECT_GT(signatures, 3);
  EXPECT_EQ(ws.listed(3), listed);
  const auto after = apply("new");
  EXPECT_TRUE(after) << explain(after.error());
}

}  // namespace
}  // namespace cotter::app
