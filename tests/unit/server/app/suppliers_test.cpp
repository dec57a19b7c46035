#include "server/app/suppliers.h"

#include <gtest/gtest.h>

#include "server/app/abilities.h"
#include "server/app/check_repository.h"
#include "server/app/init_release_role.h"
#include "server/repository/folder_transport.h"
#include "server/storage/sqlite/inventory_store.h"
#include "server/storage/sqlite/ledger_store.h"
#include "server/storage/sqlite/token_store.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/openssl_key.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using operations::SubmissionState;
using test::kImage;
using test::kNow;
using test::SupplierWorkspace;

Bytes metadata(const SupplierWorkspace& ws, std::uint64_t version = 1) {
  return ws.signed_by(SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/app", kImage), version));
}

TEST(Suppliers, GetADelegationOfTheirOwn) {  // IMG-10
  const SupplierWorkspace ws;
  ws.take_in();
  const auto set = ws.read().value();
  const auto& delegations = *(*set.targets())->delegations;
  ASSERT_EQ(delegations.roles.size(), 1U);
  EXPECT_EQ(delegations.roles.front().name.value(), "acme");
  EXPECT_EQ(delegations.roles.front().keys.threshold, 2U);
  EXPECT_EQ(delegations.roles.front().hardware_ids, (std::vector<HardwareId>{HardwareId("acme-ecu")}));
  EXPECT_TRUE(delegations.roles.front().terminating);
  const auto again = add_supplier(ws.workspace(), ws.supplier(), kNow);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->state, TargetsOutcome::State::Unchanged);
}

/// A release role "fw" of eight bins, which may grow.
Result<InitRoleOutcome> make_release_role(const SupplierWorkspace& ws, const sim::Keys& key) {
  InitRoleRequest request{{}, {RoleName("fw"), {"fw/*"}, {HardwareId("hw-1")}, 3, key.front()->public_key()}};
  for (const std::size_t place : {0U, 1U}) request.holders.push_back(ws.keys.targets.at(place).get());
  request.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
  request.signers = [&] {
    return Result<ReleaseSigners>(ReleaseSigners{ws.keys.online(), key.front().get()});
  };
  return init_release_role(ws.workspace(), request, kNow);
}

AddSupplierRequest named(const SupplierWorkspace& ws, const std::string& name) {
  AddSupplierRequest request = ws.supplier();
  request.plan.name = RoleName(name);
  request.plan.paths = {name + "/*/*"};
  return request;
}

TEST(Suppliers, GetNoNameThatABinOfAReleaseRoleHasOrMayGet) {
  const SupplierWorkspace ws;
  const sim::Keys key = sim::keys("image-fw", 1);
  ASSERT_TRUE(make_release_role(ws, key));
  for (const char* name : {"fw-0", "fw-8", "fw-1a", "fw-3fff"}) {
    const auto added = add_supplier(ws.workspace(), named(ws, name), kNow);
    ASSERT_FALSE(added) << name;
    EXPECT_TRUE(is_fault(added.error(), Fault::Kind::Conflict)) << explain(added.error());
  }
  for (const char* name : {"fw-00000", "fw-0g"}) {
    AddSupplierRequest request = named(ws, name);
    const sim::Keys own = sim::keys(name, 2);
    request.plan.keys = {own[0]->public_key(), own[1]->public_key()};
    const auto added = add_supplier(ws.workspace(), request, kNow);
    EXPECT_TRUE(added) << name << explain(added.error());
  }
}

TEST(Suppliers, KeepAReleaseRoleFromANameWhoseBinsMightGetTheirs) {
  const SupplierWorkspace ws;
  const sim::Keys key = sim::keys("image-fw", 1);
  ASSERT_TRUE(add_supplier(ws.workspace(), named(ws, "fw-0a"), kNow));
  const auto made = make_release_role(ws, key);
  ASSERT_FALSE(made);
  EXPECT_TRUE(is_fault(made.error(), Fault::Kind::Conflict)) << explain(made.error());
  EXPECT_FALSE(ws.read()->listed(RoleName("fw")));
}

TEST(Suppliers, KeepTheirNameFromAReleaseRoleBeforeAnythingDelegatesToThem) {
  const SupplierWorkspace ws;
  {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    ASSERT_TRUE(storage::SupplierStore(db).put({RoleName("fw"), {}, kNow}));
  }
  const auto made = make_release_role(ws, sim::keys("image-fw", 1));
  ASSERT_FALSE(made);
  EXPECT_TRUE(is_fault(made.error(), Fault::Kind::Conflict)) << explain(made.error());
  EXPECT_FALSE(ws.read()->listed(RoleName("fw")));
}

TEST(Suppliers, AreKnownByTheirKeysIdsToWhoSigns) {  // IMG-11
  const SupplierWorkspace ws;
  const auto added = add_supplier(ws.workspace(), ws.supplier(), kNow);
  ASSERT_TRUE(added);
  ASSERT_EQ(added->summary.size(), 1U);
  for (const auto& key : ws.acme)
    EXPECT_NE(added->summary.front().find(key->public_key().computed_id().value()), std::string::npos);
}

TEST(Suppliers, AreNotTakenInOnBadTerms) {  // IMG-10
  const SupplierWorkspace ws;
  const auto refused = [&](auto change, Fault::Kind kind = Fault::Kind::Usage) {
    AddSupplierRequest request = ws.supplier();
    change(request);
    const auto added = add_supplier(ws.workspace(), request, kNow);
    return !added && is_fault(added.error(), kind);
  };
  for (const char* name : {"", "targets", "a/b", "..%2f"}) {
    EXPECT_TRUE(refused([&](auto& r) { r.plan.name = RoleName(name); })) << name;
  }
  for (const char* path : {"", "*", "*/*/*", "/acme/*", "acme/../*", "acme/", "acme/\x1b[2J/*", "acme/a b"}) {
    EXPECT_TRUE(refused([&](auto& r) { r.plan.paths = {path}; })) << path;
  }
  EXPECT_TRUE(refused([](auto& r) { r.plan.paths.clear(); }));
  EXPECT_TRUE(refused([](auto& r) { r.plan.hardware_ids.clear(); }));
  EXPECT_TRUE(refused([](auto& r) { r.plan.hardware_ids = {HardwareId("a b")}; }));
  EXPECT_TRUE(refused([](auto& r) { r.plan.threshold = 0; }));
  EXPECT_TRUE(refused([](auto& r) { r.plan.threshold = 4; }));
  EXPECT_TRUE(refused([](auto& r) { r.plan.keys[1] = r.plan.keys[0]; }));
  EXPECT_TRUE(refused([](auto& r) { r.policy.schemes = {"rsassa-pss-sha256"}; }));
  EXPECT_TRUE(refused([](auto& r) { r.policy.min_rsa_bits = 1024; }));
  EXPECT_TRUE(refused([](auto& r) { r.policy.min_rsa_bits = 20'000; }));
  EXPECT_TRUE(refused([](auto& r) {
    r.plan.keys[0] = sim::new_rsa_key()->public_key();
    r.policy.min_rsa_bits = 3072;
  }));
  EXPECT_TRUE(refused([](auto& r) { r.policy.quota_bytes = 0; }));
  EXPECT_TRUE(refused([](auto& r) { r.policy.counter_leap = std::uint64_t{1} << 53U; }));
  ws.take_in();
  EXPECT_TRUE(refused([](auto& r) { r.plan.threshold = 1; }, Fault::Kind::Conflict))
      << "otherwise than before";
  EXPECT_TRUE(refused([](auto& r) { r.plan.name = RoleName("other"); }, Fault::Kind::Conflict))
      << "same paths";
}

TEST(Suppliers, BringKeysThatSignForNobodyElse) {  // KEY-2
  const SupplierWorkspace ws;
  ws.take_in();
  AddSupplierRequest other = ws.supplier();
  other.plan.name = RoleName("other");
  other.plan.paths = {"other/*/*"};
  const auto with_key = [&](const crypto::PublicKey& key) {
    AddSupplierRequest request = other;
    request.plan.keys = {key};
    request.plan.threshold = 1;
    return add_supplier(ws.workspace(), request, kNow);
  };
  for (const crypto::PublicKey& key :
       {ws.acme.front()->public_key(), ws.keys.targets.front()->public_key(),
        ws.keys.snapshot.front()->public_key(), ws.director_keys.front()->public_key()}) {
    const auto added = with_key(key);
    ASSERT_FALSE(added) << key.computed_id().value();
    EXPECT_TRUE(is_fault(added.error(), Fault::Kind::Conflict)) << explain(added.error());
    EXPECT_NE(summary(added.error()).find("signs for"), std::string::npos) << summary(added.error());
  }
  EXPECT_TRUE(with_key(sim::key("other")->public_key()));
  AddSupplierRequest waits = other;
  waits.plan.name = RoleName("third");
  waits.plan.paths = {"third/*/*"};
  waits.plan.keys = {sim::key("third")->public_key()};
  waits.plan.threshold = 1;
  waits.holders.clear();
  const auto waiting = add_supplier(ws.workspace(), waits, kNow);
  ASSERT_TRUE(waiting) << explain(waiting.error());
  ASSERT_EQ(waiting->state, TargetsOutcome::State::Awaiting);
  waits.plan.name = RoleName("fourth");
  waits.plan.paths = {"fourth/*/*"};
  EXPECT_TRUE(is_fault(add_supplier(ws.workspace(), waits, kNow).error(), Fault::Kind::Conflict))
      << "third waits for its signatures, and has the key";
}

TEST(Suppliers, AreJudgedAgainWhenSomebodyAccepts) {  // IMG-7
  const SupplierWorkspace ws;
  ws.take_in();
  const std::string one = ws.waiting(metadata(ws), kImage);
  const std::string other = ws.waiting(
      ws.signed_by(SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/other", kImage))), kImage);
  ASSERT_EQ(ws.accept(one)->state, SubmissionState::Accepted);
  const auto late = ws.accept(other);
  ASSERT_TRUE(late) << explain(late.error());
  EXPECT_EQ(late->state, SubmissionState::Refused) << "its version is taken now";
  EXPECT_FALSE(ws.find("acme/ecu/other"));
}

/// A vehicle with an ECU of acme's hardware, which verifies what a test says, and one without.
class SuppliersOfAFleet : public testing::Test {
 protected:
  void SetUp() override {
    policy.may_delegate = true;
    auto record = test::factory_record("VIN-1");
    record.ecus.at(1).hardware_id = kEcu;
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    storage::InventoryStore inventory(db);
    ASSERT_TRUE(inventory.add(record, kNow));
    ASSERT_TRUE(inventory.add(test::factory_record("VIN-2", "B-", 11), kNow));
  }
  void note(const inventory::Abilities& abilities) const { note(abilities, kEcu); }
  void note(const inventory::Abilities& abilities, const HardwareId& of) const {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    ASSERT_TRUE(note_abilities(db, of, abilities, kNow));
  }
  void expect_refused(const std::string& id, std::string_view why) const {
    const auto refused = ws.accept(id);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
    const std::string who = "acme-ecu (1 ECU in 1 vehicle) cannot verify ";
    EXPECT_NE(explain(refused.error()).find(who + std::string(why)), std::string::npos)
        << explain(refused.error());
  }
  void expect_accepted(const std::string& id) const {
    const auto accepted = ws.accept(id);
    ASSERT_TRUE(accepted) << explain(accepted.error());
    EXPECT_EQ(accepted->state, SubmissionState::Accepted) << testing::PrintToString(accepted->wrong);
  }
  [[nodiscard]] int acceptances() const {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    int count = 0;
    EXPECT_TRUE(storage::LedgerStore(db).each({std::string(ledger::kAcceptance), "acme"},
                                              [&](const storage::LedgerRow&) -> Result<void> {
                                                ++count;
                                                return {};
                                              }));
    return count;
  }

  const HardwareId kEcu{"acme-ecu"}, kOther = test::factory_record("VIN-2").ecus.at(1).hardware_id;
  SupplierWorkspace ws;
  operations::SupplierPolicy policy;
};

TEST_F(SuppliersOfAFleet, ListNoMoreThanAGenerationHasRoomFor) {
  ws.take_in(policy);
  const Bytes wire = metadata(ws);
  const std::string id = ws.waiting(wire, kImage);
  note({{}, {}, {}, wire.size() - 1});
  expect_refused(id, "acme of the image repository: " + std::to_string(wire.size()) + " bytes");
  EXPECT_EQ(acceptances(), 0) << "nobody has said yes to it";
  EXPECT_FALSE(ws.find("acme/ecu/app"));
  note({{}, {}, {}, wire.size()});
  expect_accepted(id);
}

TEST_F(SuppliersOfAFleet, SignByKeysThatAGenerationKnows) {
  ws.acme.at(2) = sim::new_ecdsa_key();
  ws.take_in(policy);
  note({std::set{crypto::Scheme::Ed25519}, {}, {}, {}});
  const auto listed = SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/app", kImage));
  expect_refused(
      ws.waiting(ws.signed_by(listed, {0, 2}), kImage),
      "acme of the image repository: it knows ed25519, which 1 of the 2 keys are, and 2 must sign");
  trust::Draft<model::Targets> padded(listed);
  for (const std::size_t place : {0U, 2U}) ASSERT_TRUE(padded.sign(*ws.acme.at(place)));
  padded.attach(ws.acme.at(1)->sign(as_bytes("something else")).value());
  expect_refused(
      ws.waiting(padded.wire(), kImage),
      "acme of the image repository: it knows ed25519, which 1 of the 2 keys are, and 2 must sign");
  expect_accepted(ws.waiting(ws.signed_by(listed, {0, 1}), kImage));
}

TEST_F(SuppliersOfAFleet, KeepTheirVersionWhereItCouldNotFollow) {
  for (auto& key : ws.acme) key = sim::new_ecdsa_key();
  ws.take_in(policy);
  const std::string id = ws.waiting(metadata(ws), kImage);
  note({std::set{crypto::Scheme::EcdsaP256}, {}, {}, {}});
  expect_refused(id, "snapshot of the image repository");
  note({});
  const auto other = SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/other", kImage));
  expect_accepted(ws.waiting(ws.signed_by(other), kImage));
}

TEST_F(SuppliersOfAFleet, LetNobodySignByKeysThatAGenerationDoesNotKnow) {
  for (auto& key : ws.sensors) key = sim::new_ecdsa_key();
  ws.take_in(policy);
  note({std::set{crypto::Scheme::Ed25519}, {}, {}, {}});
  const std::string id = ws.waiting(ws.signed_by(SupplierWorkspace::letting_sign(ws.below())), "");
  expect_refused(id, "acme-sensors of the image repository: it knows ed25519, which 0 of the 3 keys are");
  note({});
  expect_accepted(id);
  // Below, it is the same; and whom the way leaves out is not asked.
  const auto listed = SupplierWorkspace::next(SupplierWorkspace::release("acme/sensors/app", kImage));
  const std::string below = ws.waiting(ws.signed_by(ws.sensors, listed), kImage, "acme-sensors");
  note({std::set{crypto::Scheme::Ed25519}, {}, {}, {}});
  expect_refused(below, "acme-sensors of the image repository: it knows ed25519, which 0 of the 2 keys are");
  note({});
  note({std::set{crypto::Scheme::Ed25519}, {}, {}, {}}, kOther);
  expect_accepted(below);
}

TEST(Suppliers, HaveTheVeryBytesPublishedThatPeopleSaidYesTo) {  // IMG-7
  const SupplierWorkspace ws;
  ws.take_in();
  const auto swapped = [&](std::uint64_t version, const Bytes& was, const Bytes& is) {
    const std::string id = ws.waiting(metadata(ws, version), kImage);
    const auto file = ws.workspace().submissions_dir() / id / to_hex(crypto::sha256(was));
    EXPECT_TRUE(std::filesystem::exists(file));
    test::write(file, as_text(is));
    return ws.accept(id);
  };
  const Bytes other =
      ws.signed_by(SupplierWorkspace::next(SupplierWorkspace::release("acme/ecu/other", kImage, 999'999)));
  for (const auto& outcome :
       {swapped(1, metadata(ws, 1), other), swapped(2, to_bytes(kImage), to_bytes("another build"))}) {
    ASSERT_FALSE(outcome) << "signed by acme, and seen by nobody";
    EXPECT_TRUE(is_fault(outcome.error(), Fault::Kind::Conflict)) << explain(outcome.error());
  }
  EXPECT_FALSE(ws.find("acme/ecu/other"));
  EXPECT_FALSE(ws.find("acme/ecu/app"));
}

TEST(Suppliers, HaveTheirCountersKeptForAllWhoComeLater) {  // IMG-9
  const SupplierWorkspace ws;
  ws.take_in();
  const auto nine = SupplierWorkspace::release("acme/ecu/app", kImage, 9);
  ASSERT_EQ(ws.accept(ws.waiting(ws.signed_by(SupplierWorkspace::next(nine)), kImage))->state,
            SubmissionState::Accepted);
  PublishRequest request = ws.request("oem/app", "an image of the OEM's", {0, 1});
  request.release.hardware_ids = {HardwareId("acme-ecu")};
  request.release.counter = ReleaseCounter(8);
  EXPECT_TRUE(is_fault(ws.publish(request).error(), Fault::Kind::Denied));
  request.release.counter.reset();
  EXPECT_EQ(ws.publish(request)->counter.value(), 10U);
}

TEST(Suppliers, GoWithTheirTokensAndKeysAndTheirNameIsNotGivenAgain) {  // IMG-13
  const SupplierWorkspace ws;
  ws.take_in();
  ASSERT_EQ(ws.accept(ws.waiting(metadata(ws, 3), kImage))->state, SubmissionState::Accepted);
  RemoveSupplierRequest request;
  request.name = RoleName("acme");
  for (const std::size_t place : {0U, 2U}) request.holders.push_back(ws.keys.targets.at(place).get());
  request.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
  const auto removed = remove_supplier(ws.workspace(), request, kNow);
  ASSERT_TRUE(removed) << explain(removed.error());
  EXPECT_FALSE(ws.find("acme/ecu/app"));
  EXPECT_FALSE((*ws.read()->targets())->delegations) << "its keys are gone too";
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  EXPECT_TRUE(storage::TokenStore(db).find("acme-ci").value()->revoked);
  EXPECT_TRUE(ws.read()->listed(RoleName("acme")));
  EXPECT_TRUE(is_fault(add_supplier(ws.workspace(), ws.supplier(), kNow).error(), Fault::Kind::Conflict));
}

bool is_acceptance_recorded(const SupplierWorkspace& ws) {
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  bool is_there = false;
  EXPECT_TRUE(storage::LedgerStore(db).each({std::string(ledger::kAcceptance)},
                                            [&](const storage::LedgerRow&) -> Result<void> {
                                              is_there = true;
                                              return {};
                                            }));
  return is_there;
}

TEST(SuppliersKilled, ArePublishedWholeOrNotAtAllAndSayingYesAgainFinishesIt) {  // IMG-17
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    const SupplierWorkspace ws(memory.path() / "ws");
    ws.take_in();
    const std::string sbom = SupplierWorkspace::sbom(kImage);
    const std::string id = ws.waiting(metadata(ws), kImage, "acme", sbom);
    const sim::Death death = sim::run_until_step(step, [&] { return ws.accept(id).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    ASSERT_TRUE(ws.read());
    const auto paper = ws.workspace().dir() / "papers" / to_hex(crypto::sha256(as_bytes(sbom)));
    if (is_acceptance_recorded(ws)) {
      EXPECT_EQ(test::content_of(paper), sbom) << "the ledger speaks of it";
    }
    const auto again = ws.accept(id);
    if (again) {
      EXPECT_EQ(again->state, SubmissionState::Accepted) << testing::PrintToString(again->wrong);
    } else {
      EXPECT_TRUE(is_fault(again.error(), Fault::Kind::Conflict)) << explain(again.error());  // done before
    }
    EXPECT_EQ(test::content_of(paper), sbom);
    const auto found = ws.find("acme/ecu/app");
    ASSERT_TRUE(found) << explain(found.error());
    repository::FolderTransport folder(ws.repo());
    const auto health = check_repository(folder, kNow, {});
    ASSERT_TRUE(health && health->healthy());
    EXPECT_EQ(health->images, 1U);
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 20U);
}

}  // namespace
}  // namespace cotter::app
