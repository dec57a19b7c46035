// Delegations whose keys the OEM changes: what is published below stays good, and the ledger tells of it.
#include "server/app/next_targets.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/json/canonical.h"
#include "server/app/end_release_role.h"
#include "server/app/root_ceremony.h"
#include "server/app/targets_ceremony.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/unit/server/ceremony/holding.h"
#include "tests/unit/server/release_workspace.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using test::kAcme;
using test::kImage;
using test::kNow;
using test::SupplierWorkspace;
using State = TargetsOutcome::State;

const std::string kName = "acme/ecu/app";

ceremony::KeyChange swapped(const RoleName& role, const crypto::Signer& out, const crypto::Signer& in) {
  return {{{role, in.public_key()}}, {{role, out.public_key().computed_id()}}, {}};
}

TargetsSigning signing_with(const test::TestWorkspace& ws, std::initializer_list<std::size_t> holders) {
  TargetsSigning signing;
  for (const std::size_t place : holders) signing.holders.push_back(ws.keys.targets.at(place).get());
  signing.online = [&ws] { return Result<OnlineSigners>(ws.keys.online()); };
  return signing;
}

void expect_denied(const Result<TargetsOutcome>& outcome, std::string_view part) {
  ASSERT_FALSE(outcome);
  EXPECT_TRUE(is_fault(outcome.error(), Fault::Kind::Denied)) << explain(outcome.error());
  EXPECT_NE(explain(outcome.error()).find(part), std::string::npos) << explain(outcome.error());
}

/// acme's three keys, of which two sign.
class RekeyedDelegation : public testing::Test {
 protected:
  void SetUp() override { ws.take_in(); }
  void hand_in(const sim::Keys& by = {}, std::uint64_t version = 1) {
    const auto targets = SupplierWorkspace::next(SupplierWorkspace::release(kName, kImage), version);
    // Once it is published, its image comes with it no more.
    const Bytes wire = SupplierWorkspace::signed_by(by.empty() ? ws.acme : by, targets);
    const auto outcome = ws.accept(ws.waiting(wire, version == 1 ? kImage : ""));
    ASSERT_TRUE(outcome) << explain(outcome.error());
    ASSERT_EQ(outcome->state, operations::SubmissionState::Accepted)
        << testing::PrintToString(outcome->wrong);
  }
  Result<TargetsOutcome> open(const ceremony::KeyChange& change,
                              std::initializer_list<std::size_t> holders = {0, 1}) {
    return open_targets_ceremony(ws.workspace(), signing_with(ws, holders), change, kNow);
  }
  Result<TargetsOutcome> close(std::initializer_list<std::size_t> holders = {}) {
    return close_targets_ceremony(ws.workspace(), signing_with(ws, holders), {}, kNow);
  }
  [[nodiscard]] Version published() const { return (*ws.read()->targets())->version; }
  [[nodiscard]] ceremony::KeyChange swap(std::size_t out) const {
    return swapped(kAcme, *ws.acme.at(out), *fresh);
  }
  void expect_found() const {
    const auto found = ws.find(kName);
    EXPECT_TRUE(found) << explain(found.error());
  }
  [[nodiscard]] ledger::Entry last_ceremony() const {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    storage::LedgerStore store(db);
    storage::LedgerFilter filter;
    filter.kind = ledger::kCeremony;
    ledger::Entry last;
    EXPECT_TRUE(store.each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
      last = ledger::Entry::decode(row.body).value();
      return {};
    }));
    return last;
  }

  SupplierWorkspace ws;
  std::shared_ptr<crypto::Signer> fresh = sim::key("acme-4");
};

TEST_F(RekeyedDelegation, IsRefusedBeforeAnybodySignsWhereVehiclesWouldFindNothing) {  // IMG-10
  hand_in();
  const Version before = published();
  expect_denied(open(swap(0)), "what acme has published is not signed by enough of the keys that it gets");
  expect_denied(open({{}, {}, {{kAcme, 3}}}), "acme");
  expect_denied(open({{}, {{kAcme, ws.acme[1]->public_key().computed_id()}}, {}}), "acme");
  EXPECT_TRUE(ws.bundles().empty());
  EXPECT_EQ(published(), before);
  expect_found();
}

TEST_F(RekeyedDelegation, IsPublishedWhereEnoughOldSignaturesCount) {  // IMG-10
  hand_in();
  const auto outcome = open(swap(2));
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->state, State::Published);
  expect_found();
  const ledger::Entry transcript = last_ceremony();
  EXPECT_EQ(transcript.subject, "image/targets");
  const std::string changes = json::to_text(*transcript.details.find("changes"));
  for (const auto& [part, key] :
       {std::pair("delegation acme: key out: ", ws.acme[2]), std::pair("delegation acme: key in: ", fresh)}) {
    const std::string line = part + key->public_key().computed_id().value().substr(0, 16);
    EXPECT_NE(changes.find(line), std::string::npos) << line << " is not in " << changes;
  }
}

TEST_F(RekeyedDelegation, IsReachedByTheWayThatTheRefusalNames) {  // IMG-10
  hand_in();
  ASSERT_TRUE(open({{{kAcme, fresh->public_key()}}, {}, {}}));
  hand_in({ws.acme[1], fresh}, 2);
  const auto outcome = open({{}, {{kAcme, ws.acme[0]->public_key().computed_id()}}, {}});
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->state, State::Published);
  expect_found();
}

// Nothing was published when it was opened; then acme handed in, by the keys that it had.
TEST_F(RekeyedDelegation, IsJudgedAgainWhenItIsClosed) {  // IMG-10
  const auto waiting = open(swap(0), {});
  ASSERT_TRUE(waiting) << explain(waiting.error());
  hand_in();
  const Version before = published();
  expect_denied(close({0, 1}), "acme");
  EXPECT_EQ(published(), before);
  expect_found();
  const auto with_old = open({{{kAcme, ws.acme[0]->public_key()}}, {}, {}});
  ASSERT_TRUE(with_old) << explain(with_old.error());
  EXPECT_EQ(with_old->state, State::Published);
  expect_found();
}

class ImageKeysOnline final : public keys::Signers {
 public:
  explicit ImageKeysOnline(const test::ImageKeys& keys) : keys_(&keys) {}
  Result<crypto::Signer*> signer(Repository, const RoleName& role) override {
    return (role == model::snapshot_role() ? keys_->snapshot : keys_->timestamp).front().get();
  }
  Result<std::vector<crypto::Signer*>> all_of(Repository repository, const RoleName& role) override {
    crypto::Signer* only = TRY(signer(repository, role));
    return std::vector<crypto::Signer*>{only};
  }
  [[nodiscard]] ledger::LogSigner* ledger() const noexcept override { return nullptr; }

 private:
  const test::ImageKeys* keys_;
};

// A list that waits is published with the root whose keys it waits for.
TEST_F(RekeyedDelegation, IsJudgedAgainWhenItGoesWithARoot) {  // IMG-10
  ASSERT_TRUE(open(swap(0), {}));
  hand_in();
  RootWish wish;
  const auto new_holder = sim::key("image-targets-4");
  wish.change = swapped(model::targets_role(), *ws.keys.targets[0], *new_holder);
  auto root = open_root_ceremony(ws.workspace(), wish, kNow);
  ASSERT_TRUE(root) << explain(root.error());
  ImageKeysOnline online(ws.keys);
  const auto close_root = [&](ceremony::OfflineBundle copy, const sim::Keys& by) {
    EXPECT_TRUE(ceremony::sign(copy, as_bytes(copy.roots.front()), test::holding(by)));
    return close_root_ceremony(
        ws.workspace(), Repository::Image, {copy}, [&] { return Result<keys::Signers*>(&online); }, kNow);
  };
  // Of the published list's signers one is left: what waits takes its place, for the keys of the new root.
  const auto waiting = close_root(root->content, sim::pick(ws.keys.root, {0, 1}));
  ASSERT_TRUE(waiting) << explain(waiting.error());
  ASSERT_EQ(waiting->state, ClosedRoot::State::AwaitingTargets);
  const auto closed = close_root(waiting->waiting.content, {new_holder, ws.keys.targets[1]});
  ASSERT_FALSE(closed);
  EXPECT_TRUE(is_fault(closed.error(), Fault::Kind::Denied)) << explain(closed.error());
  EXPECT_EQ((*ws.read()->root()).version, Version(1));
  expect_found();
}

TEST_F(RekeyedDelegation, OfTwoOperatorsAtOnceKeepsBothChangesOrTellsTheSecond) {
  ASSERT_TRUE(open(swap(0), {0}));
  const auto same = open(swapped(kAcme, *ws.acme[0], *sim::key("acme-5")), {});
  ASSERT_FALSE(same) << "acme-1 is on its way out already";
  EXPECT_TRUE(is_fault(same.error(), Fault::Kind::Conflict)) << explain(same.error());
  EXPECT_NE(explain(same.error()).find("waits for its signatures"), std::string::npos);
  EXPECT_EQ(close()->signatures, 1U) << "what the first opened stands as it was";

  const auto other = open(swapped(kAcme, *ws.acme[1], *sim::key("acme-5")), {});
  ASSERT_TRUE(other) << explain(other.error());
  EXPECT_EQ(other->summary.size(), 2U);
  ASSERT_EQ(close({0, 1})->state, State::Published);
  const std::vector<KeyId> acme = (*ws.read()->targets())->delegations->roles.front().keys.keyids;
  const std::vector<KeyId> expected = {ws.acme[2]->public_key().computed_id(),
                                       fresh->public_key().computed_id(),
                                       sim::key("acme-5")->public_key().computed_id()};
  EXPECT_TRUE(std::ranges::is_permutation(acme, expected));
}

// Its one key signs the role's file and all bins, and what says so of the bins is in that file.
TEST(RekeyedReleaseRole, IsRefusedForItsBinsWouldBeLost) {
  const test::ReleaseWorkspace ws;
  ASSERT_TRUE(ws.init_role());
  ASSERT_TRUE(ws.apply({ws.artifact("a", "a")}));
  const auto change = swapped(test::kFirmware, *ws.release_key.front(), *sim::key("image-fw-2"));
  expect_denied(open_targets_ceremony(ws.workspace(), signing_with(ws, {0, 1}), change, kNow),
                "release role");
  EXPECT_TRUE(ws.find("fw/a", HardwareId("hw-1")));
  EXPECT_TRUE(ws.apply({ws.artifact("b", "b")}));
}

// The way that the refusal names: the holders sign once, and the old key is worth nothing.
TEST(RekeyedReleaseRole, GivesItsPathsToAnotherRoleWithAKeyOfItsOwn) {
  const test::ReleaseWorkspace ws;
  ASSERT_TRUE(ws.init_role());
  ASSERT_TRUE(ws.apply({ws.artifact("a", "a")}));
  const RoleName next("fw2");
  const auto next_key = sim::key("image-fw2");
  const auto with_next = [&] {
    return Result<ReleaseSigners>(ReleaseSigners{ws.keys.online(), next_key.get()});
  };
  EndRoleRequest end;
  end.name = test::kFirmware;
  const auto ended = end_release_role(ws.workspace(), end, kNow);
  ASSERT_TRUE(ended) << explain(ended.error());
  ASSERT_EQ(ended->state, State::Awaiting);
  InitRoleRequest init = ws.init_request({0, 1});
  init.plan.name = next;
  init.plan.key = next_key->public_key();
  init.signers = with_next;
  const auto made = init_release_role(ws.workspace(), init, kNow);
  ASSERT_TRUE(made) << explain(made.error());
  ASSERT_EQ(made->state, State::Published) << "both changes, by one signature of each holder";
  ApplyRequest again = ws.request({ws.artifact("a", "a")});
  EXPECT_TRUE(is_fault(apply_release(ws.workspace(), again, kNow).error(), Fault::Kind::NotFound));
  again.manifest.role = next;
  again.signers = [&](const RoleName&) { return with_next(); };
  const auto applied = apply_release(ws.workspace(), again, kNow);
  ASSERT_TRUE(applied) << explain(applied.error());
  const auto found = ws.find("fw/a", HardwareId("hw-1"));
  ASSERT_TRUE(found) << explain(found.error());
  EXPECT_TRUE(found->role.value().starts_with("fw2-")) << found->role.value();
  EXPECT_TRUE(is_fault(end_release_role(ws.workspace(), end, kNow).error(), Fault::Kind::NotFound));
}

TEST_F(RekeyedDelegation, OfASupplierIsNotEndedAsAReleaseRole) {
  EndRoleRequest end;
  end.name = kAcme;
  EXPECT_TRUE(is_fault(end_release_role(ws.workspace(), end, kNow).error(), Fault::Kind::Conflict));
}

TEST(Transcript, KeepsTheFirstOfManyChangesAndCountsTheRest) {
  VouchedTargets next;
  constexpr std::size_t kImages = 2000;
  for (std::size_t i = 0; i < kImages; ++i) {
    const auto release =
        SupplierWorkspace::release("oem/\"" + std::string(100, 'x') + std::to_string(i), "x");
    next.targets.targets[release.name] = repository::target_of(release, ReleaseCounter(1));
  }
  next.signed_sha256 = std::string(64, 'a');
  const ledger::Entry entry = transcript_of(model::Targets(), next, kNow);
  EXPECT_EQ(*entry.details.find("read_aloud")->as_string(), "aaaa-aaaa-aaaa-aaaa");
  const std::size_t kept = entry.details.find("changes")->as_array()->size();
  EXPECT_GT(kept, 100U);
  EXPECT_EQ(kept + static_cast<std::size_t>(*entry.details.find("changes_left_out")->as_int()), kImages + 1)
      << "and the version";
  const auto encoded = entry.encode();
  EXPECT_TRUE(encoded) << explain(encoded.error());
}

}  // namespace
}  // namespace cotter::app
