// A supplier's own supplier: let in by the supplier's signature, judged by both delegations, gone with
// either.
#include <gtest/gtest.h>

#include "common/json/canonical.h"
#include "server/app/assign.h"
#include "server/app/check_repository.h"
#include "server/app/register_vehicle.h"
#include "server/app/signing_paths.h"
#include "server/app/supplier_changes.h"
#include "server/repository/folder_transport.h"
#include "server/storage/sqlite/inventory_store.h"
#include "server/storage/sqlite/token_store.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using operations::SubmissionState;
using test::kBrake;
using test::kImage;
using test::kNow;
using test::kVin;
using test::SupplierWorkspace;

const std::string kName = "acme/sensors/app";

class SubSupplier : public testing::Test {
 protected:
  void SetUp() override {
    policy.may_delegate = true;
    ws.take_in(policy);
    accept(ws.signed_by(SupplierWorkspace::letting_sign(ws.below())), "");
  }
  AcceptOutcome judge(const Bytes& metadata, const std::string& image, const std::string& of = "acme") {
    const auto outcome = ws.accept(ws.waiting(metadata, image, of));
    EXPECT_TRUE(outcome) << explain(outcome.error());
    return outcome.value_or(AcceptOutcome());
  }
  void accept(const Bytes& metadata, const std::string& image, const std::string& of = "acme") {
    const AcceptOutcome outcome = judge(metadata, image, of);
    ASSERT_EQ(outcome.state, SubmissionState::Accepted) << testing::PrintToString(outcome.wrong);
  }
  [[nodiscard]] Bytes metadata(const repository::Release& release, std::uint64_t version = 1,
                               model::Targets base = {}) const {
    return SupplierWorkspace::signed_by(ws.sensors,
                                        SupplierWorkspace::next(release, version, std::move(base)));
  }
  static repository::Release release(const std::string& name = kName) {
    return SupplierWorkspace::release(name, kImage);
  }
  void hand_in() { accept(metadata(release()), kImage, "acme-sensors"); }
  void expect_wrong(const Bytes& metadata, std::string_view part, const std::string& of = "acme-sensors") {
    const AcceptOutcome outcome = judge(metadata, of == "acme" ? "" : kImage, of);
    ASSERT_EQ(outcome.wrong.size(), 1U) << testing::PrintToString(outcome.wrong);
    EXPECT_NE(outcome.wrong.front().find(part), std::string::npos) << outcome.wrong.front();
  }
  bool is_token_good(const std::string& name) {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    return storage::TokenStore(db).find(name).value()->is_good(kNow);
  }
  [[nodiscard]] std::filesystem::path image() const {
    return ws.layout().image(TargetName(kName), to_hex(crypto::sha256(as_bytes(kImage))));
  }
  /// acme's second file, which lists nothing and lets nobody sign.
  static model::Targets of_nobody() {
    model::Targets none;
    none.version = Version(2);
    none.expires = kNow + std::chrono::days(30);
    return none;
  }
  /// It is to run what acme-sensors handed in.
  void assign_brake() {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    inventory::VehicleRecord record = test::factory_record(kVin.value());
    for (inventory::EcuRecord& ecu : record.ecus) ecu.hardware_id = HardwareId("acme-ecu");
    const std::string text = json::to_text(record.encode());
    ASSERT_TRUE(register_vehicle(db, as_bytes(text), kNow));
    ASSERT_TRUE(assign(db, ws.repo(), kVin, kBrake, TargetName(kName), kNow));
  }
  [[nodiscard]] inventory::Ecu brake() {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    return *storage::InventoryStore(db).load(kVin)->find(kBrake);
  }
  /// What would take the brake's image is published only where that assignment may end; returns what was said
  /// before.
  AcceptOutcome expect_to_wait_for_the_brake(const std::string& submission) {
    AcceptRequest request;
    request.id = submission;
    request.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
    const auto stopped = accept_submission(ws.workspace(), request, kNow);
    EXPECT_TRUE(stopped) << explain(stopped.error());
    if (!stopped) return {};
    EXPECT_TRUE(stopped->stopped);
    EXPECT_EQ(stopped->state, SubmissionState::Waiting);
    EXPECT_EQ(stopped->assigned.size(), 1U);
    for (const EndedAssignment& each : stopped->assigned) EXPECT_EQ(each.ecu, kBrake);
    EXPECT_TRUE(ws.find(kName));
    EXPECT_TRUE(brake().desired);
    request.ends_assignments = true;
    const auto ended = accept_submission(ws.workspace(), request, kNow);
    EXPECT_TRUE(ended) << explain(ended.error());
    if (!ended) return {};
    EXPECT_EQ(ended->state, SubmissionState::Accepted);
    EXPECT_EQ(ended->assigned.size(), 1U);
    EXPECT_FALSE(brake().desired);
    EXPECT_FALSE(ws.find(kName));
    return *stopped;
  }
  void remove_acme() {
    RemoveSupplierRequest request;
    request.name = RoleName("acme");
    for (const std::size_t place : {0U, 2U}) request.holders.push_back(ws.keys.targets.at(place).get());
    request.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
    const auto removed = remove_supplier(ws.workspace(), request, kNow);
    ASSERT_TRUE(removed) << explain(removed.error());
  }

  SupplierWorkspace ws;
  operations::SupplierPolicy policy;
};

TEST_F(SubSupplier, PublishesWhatItSignedItself) {  // IMG-3, IMG-10
  hand_in();
  const auto found = ws.find(kName);
  ASSERT_TRUE(found) << explain(found.error());
  EXPECT_EQ(found->role.value(), "acme-sensors");
  repository::FolderTransport folder(ws.repo());
  const auto health = check_repository(folder, kNow, {});
  ASSERT_TRUE(health);
  EXPECT_TRUE(health->healthy()) << testing::PrintToString(health->problems);
  EXPECT_EQ(health->images, 1U);
  const auto paths = signing_paths(ws.read().value(), folder, TargetName(kName), HardwareId("acme-ecu"));
  ASSERT_TRUE(paths);
  ASSERT_EQ(paths->asked.size(), 3U) << "targets, acme and acme-sensors";
  EXPECT_EQ(paths->asked.back().role.value(), "acme-sensors");
}

TEST_F(SubSupplier, IsHeldToItsOwnDelegation) {  // IMG-3, IMG-7
  expect_wrong(metadata(release("acme/radios/app")), "no name that acme-sensors may list");
  auto other = release();
  other.hardware_ids = {HardwareId("other-ecu")};
  EXPECT_EQ(judge(metadata(other), kImage, "acme-sensors").wrong.size(), 2U) << "neither makes it";
  expect_wrong(ws.signed_by(SupplierWorkspace::next(release())), "threshold-not-met");
  repository::SupplierRolePlan deeper = ws.below();
  deeper.name = RoleName("acme-sensors-x");
  expect_wrong(SupplierWorkspace::signed_by(
                   ws.sensors, SupplierWorkspace::letting_sign(deeper, SupplierWorkspace::next(release()))),
               "acme alone does");
}

TEST_F(SubSupplier, ListsNothingThatTheOneAboveLists) {
  accept(ws.signed_by(SupplierWorkspace::next(release(), 2, SupplierWorkspace::letting_sign(ws.below()))),
         kImage);
  expect_wrong(metadata(release()), "is listed by acme itself");
}

TEST_F(SubSupplier, HasThePolicyOfTheOneAbove) {
  policy.version_floor = 2;
  ws.take_in_again(policy);
  expect_wrong(metadata(release()), "below the floor");
  policy.version_floor = 0;
  policy.needs_two_people = true;
  ws.take_in_again(policy);
  EXPECT_TRUE(
      is_fault(ws.accept(ws.waiting(metadata(release("acme/sensors/two")), kImage, "acme-sensors")).error(),
               Fault::Kind::Denied));
  policy.needs_two_people = false;
  policy.may_delegate = false;
  ws.take_in_again(policy);
  expect_wrong(metadata(release()), "no longer allows");
}

TEST_F(SubSupplier, SharesTheQuota) {
  hand_in();
  policy.quota_bytes = 2 * kImage.size() - 1;
  ws.take_in_again(policy);
  const auto own = SupplierWorkspace::release("acme/ecu/app", kImage);
  const auto outcome = judge(
      ws.signed_by(SupplierWorkspace::next(own, 2, SupplierWorkspace::letting_sign(ws.below()))), kImage);
  ASSERT_EQ(outcome.wrong.size(), 1U) << testing::PrintToString(outcome.wrong);
  EXPECT_NE(outcome.wrong.front().find("quota"), std::string::npos);
  accept(ws.signed_by(SupplierWorkspace::next(own, 2)), kImage);  // what it drops takes no room
}

TEST_F(SubSupplier, GoesWithTheDelegation) {  // IMG-13
  hand_in();
  const std::string waits = ws.waiting(
      metadata(release("acme/sensors/next"), 2, SupplierWorkspace::next(release())), kImage, "acme-sensors");
  ASSERT_TRUE(is_token_good("acme-sensors-ci"));
  const model::Targets none = of_nobody();
  const AcceptOutcome outcome = judge(ws.signed_by(none), "");
  ASSERT_EQ(outcome.state, SubmissionState::Accepted) << testing::PrintToString(outcome.wrong);
  EXPECT_EQ(outcome.notes,
            std::vector<std::string>{"acme no longer lets acme-sensors sign acme/sensors/* for acme-ecu"});
  EXPECT_FALSE(ws.find(kName));
  EXPECT_FALSE(is_token_good("acme-sensors-ci"));
  EXPECT_TRUE(is_token_good("acme-ci"));
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  EXPECT_EQ(storage::SupplierStore(db).submission(waits).value()->state, SubmissionState::Rejected);
  EXPECT_TRUE(ws.read()->listed(RoleName("acme-sensors"))) << "a client would take it for a rollback";
  EXPECT_FALSE(std::filesystem::exists(ws.layout().metadata(RoleName("acme-sensors"), Version(1))));
  EXPECT_FALSE(std::filesystem::exists(image()));
  expect_wrong(ws.signed_by(SupplierWorkspace::letting_sign(ws.below(), none, 3)), "or was once", "acme");
}

TEST_F(SubSupplier, IsNotEndedWhileAnEcuIsToRunItsImagesUnlessThatEndsToo) {  // IMG-13
  hand_in();
  assign_brake();
  expect_to_wait_for_the_brake(ws.waiting(ws.signed_by(of_nobody()), ""));
}

TEST_F(SubSupplier, DropsNoImageThatAnEcuIsToRunUnlessThatEndsToo) {  // IMG-13
  hand_in();
  assign_brake();
  const AcceptOutcome stopped = expect_to_wait_for_the_brake(
      ws.waiting(SupplierWorkspace::signed_by(ws.sensors, of_nobody()), "", "acme-sensors"));
  EXPECT_EQ(stopped.gone, std::vector<std::string>{"it no longer lists " + kName});
}

TEST_F(SubSupplier, GivesTheCounterOfAnImageThatWentToNoOther) {  // IMG-9
  hand_in();
  accept(SupplierWorkspace::signed_by(ws.sensors, of_nobody()), "", "acme-sensors");
  expect_wrong(metadata(SupplierWorkspace::release("acme/sensors/mended", kImage, 1), 3), "a rollback");
  accept(metadata(SupplierWorkspace::release("acme/sensors/mended", kImage, 2), 3), kImage, "acme-sensors");
}

TEST_F(SubSupplier, EndsAssignmentsThatAreMadeWhileItIsAcceptedAndNoneWhereItIsNot) {  // IMG-13
  hand_in();
  assign_brake();
  const model::Targets none = of_nobody();
  AcceptRequest request;
  request.id = ws.waiting(ws.signed_by(none), "");
  request.ends_assignments = true;
  request.online = []() -> Result<OnlineSigners> { return fault(Fault::Kind::Denied, "wrong passphrase"); };
  EXPECT_FALSE(accept_submission(ws.workspace(), request, kNow));
  EXPECT_TRUE(brake().desired) << "nothing was published";
  request.online = [&] {  // it takes a person a while
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    EXPECT_TRUE(assign(db, ws.repo(), kVin, kBrake, TargetName(kName), kNow));
    return Result<OnlineSigners>(ws.keys.online());
  };
  const auto ended = accept_submission(ws.workspace(), request, kNow);
  ASSERT_TRUE(ended) << explain(ended.error());
  EXPECT_FALSE(ws.find(kName));
  EXPECT_FALSE(brake().desired);
}

TEST_F(SubSupplier, LeavesWhatTheOneAboveListsFromThenOn) {  // IMG-13
  hand_in();
  assign_brake();
  accept(ws.signed_by(SupplierWorkspace::next(release(), 2)), kImage);
  EXPECT_EQ(ws.find(kName)->role.value(), "acme");
  EXPECT_TRUE(std::filesystem::exists(image()));
  EXPECT_FALSE(std::filesystem::exists(ws.layout().metadata(RoleName("acme-sensors"), Version(1))));
  EXPECT_TRUE(brake().desired);
}

TEST_F(SubSupplier, GoesWholeHoweverOftenTheAcceptanceIsKilled) {  // IMG-13, IMG-17
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    const SupplierWorkspace there(memory.path() / "ws");
    there.take_in(policy);
    const auto accepted = [&](const Bytes& metadata, const std::string& image, const std::string& of) {
      const auto outcome = there.accept(there.waiting(metadata, image, of));
      return outcome && outcome->state == SubmissionState::Accepted;
    };
    ASSERT_TRUE(
        accepted(SupplierWorkspace::signed_by(there.acme, SupplierWorkspace::letting_sign(there.below())), "",
                 "acme"));
    ASSERT_TRUE(accepted(metadata(release()), kImage, "acme-sensors"));
    const model::Targets none = of_nobody();
    const std::string id = there.waiting(SupplierWorkspace::signed_by(there.acme, none), "", "acme");
    const sim::Death death = sim::run_until_step(step, [&] { return there.accept(id).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const auto again = there.accept(id);
    EXPECT_TRUE(again || is_fault(again.error(), Fault::Kind::Conflict)) << explain(again.error());
    EXPECT_FALSE(there.find(kName));
    EXPECT_FALSE(std::filesystem::exists(there.layout().metadata(RoleName("acme-sensors"), Version(1))));
    host::Db db = storage::open_database(there.workspace().db_path()).value();
    EXPECT_FALSE(storage::TokenStore(db).find("acme-sensors-ci").value()->is_good(kNow));
    EXPECT_TRUE(storage::TokenStore(db).find("acme-ci").value()->is_good(kNow));
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 20U);
}

TEST_F(SubSupplier, GoesWithTheOneAbove) {  // IMG-13
  hand_in();
  remove_acme();
  EXPECT_FALSE(ws.find(kName));
  EXPECT_FALSE(is_token_good("acme-sensors-ci"));
  repository::FolderTransport folder(ws.repo());
  EXPECT_TRUE(check_repository(folder, kNow, {})->healthy());
  EXPECT_FALSE(std::filesystem::exists(image()));
}

TEST_F(SubSupplier, IsNotRemovedWhileTheOneAboveLetsItSign) {
  RemoveSupplierRequest request;
  request.name = RoleName("acme-sensors");
  request.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
  EXPECT_TRUE(is_fault(remove_supplier(ws.workspace(), request, kNow).error(), Fault::Kind::Conflict));
  auto add = ws.supplier();
  add.plan.name = RoleName("acme-sensors");
  add.plan.paths = {"acme-sensors/*/*"};
  EXPECT_TRUE(is_fault(add_supplier(ws.workspace(), add, kNow).error(), Fault::Kind::Conflict));
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  EXPECT_TRUE(check_name_is_free(db, RoleName("acme")));
  EXPECT_TRUE(check_name_is_free(db, RoleName("acme-sen")));
  ASSERT_TRUE(storage::SupplierStore(db).put({RoleName("acme-west-1"), {}, kNow, {}, RoleName("acme")}));
  EXPECT_FALSE(check_name_is_free(db, RoleName("acme-west")));
}

TEST_F(SubSupplier, KeepsWhatItPublishedReadableWhileItsKeysChange) {
  hand_in();
  repository::SupplierRolePlan other = ws.below();
  other.keys.clear();
  for (const auto& key : sim::keys("sensors-new", 2)) other.keys.push_back(key->public_key());
  expect_wrong(ws.signed_by(SupplierWorkspace::letting_sign(other, {}, 2)), "add them beside the old ones",
               "acme");
  repository::SupplierRolePlan both = ws.below();
  both.keys.insert(both.keys.end(), other.keys.begin(), other.keys.end());
  accept(ws.signed_by(SupplierWorkspace::letting_sign(both, {}, 2)), "");
  EXPECT_TRUE(ws.find(kName));
}

}  // namespace
}  // namespace cotter::app
