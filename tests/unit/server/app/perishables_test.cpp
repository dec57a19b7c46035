// Who must act, by which command and by which keys, of delegated roles and of ceremonies that are open.
#include "server/app/perishables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "server/app/apply_release.h"
#include "server/app/forecast_formats.h"
#include "server/app/init_release_role.h"
#include "server/app/root_ceremony.h"
#include "server/ceremony/signing.h"
#include "tests/unit/server/ceremony/holding.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using std::chrono::days;
using test::kNow;

/// The supplier acme, which has published an image, and the release role fw.
class Perishables : public testing::Test {
 protected:
  Perishables() {
    std::filesystem::create_directory(ws.workspace().keys_dir());
    ws.take_in();
    publish("acme", ws.signed_by(ws.next(ws.release("acme/ecu/app", "an image"))));
    InitRoleRequest request{{}, {RoleName("fw"), {"fw/*"}, {}, 1, release_key.front()->public_key()}};
    for (const std::size_t place : {0U, 1U}) request.holders.push_back(ws.keys.targets.at(place).get());
    request.online = [this] { return Result<OnlineSigners>(ws.keys.online()); };
    request.signers = [this] { return release_signers(); };
    const auto made = init_release_role(ws.workspace(), request, kNow);
    EXPECT_TRUE(made) << explain(made.error());
  }
  [[nodiscard]] Result<ReleaseSigners> release_signers() const {
    return ReleaseSigners{ws.keys.online(), release_key.front().get()};
  }
  void publish(const std::string& supplier, const Bytes& metadata,
               const std::string& image = "an image") const {
    const auto accepted = ws.accept(ws.waiting(metadata, image, supplier));
    ASSERT_TRUE(accepted) << explain(accepted.error());
    ASSERT_EQ(accepted->state, operations::SubmissionState::Accepted)
        << testing::PrintToString(accepted->wrong);
  }
  [[nodiscard]] Perishable of(const std::string& id) const {
    const auto book = KeyBook::read(ws.workspace());
    EXPECT_TRUE(book) << explain(book.error());
    const auto all = perishables_of(ws.workspace(), *book, kNow);
    EXPECT_TRUE(all) << explain(all.error());
    for (const Perishable& what : *all) {
      if (what.id == id) return what;
    }
    ADD_FAILURE() << "nothing is said of " << id;
    return {};
  }
  static std::string digits(const crypto::Signer& key) {
    return key.public_key().computed_id().value().substr(0, 16);
  }
  static std::vector<std::string> sorted(std::vector<std::string> words) {
    std::sort(words.begin(), words.end());
    return words;
  }
  static std::vector<std::string> digits_of(const sim::Keys& keys) {
    std::vector<std::string> all;
    for (const auto& key : keys) all.push_back(digits(*key));
    return sorted(std::move(all));
  }
  [[nodiscard]] OpenCeremony open_root(const ceremony::KeyChange& change) const {
    RootWish wish;
    wish.lifetime = days(30);
    wish.change = change;
    auto opened = open_root_ceremony(ws.workspace(), wish, kNow);
    EXPECT_TRUE(opened) << explain(opened.error());
    return *std::move(opened);
  }
  /// These put their signatures to the bundle where it lies.
  void sign(OpenCeremony& opened, const sim::Keys& keys) const {
    const Bytes first = to_bytes(opened.content.roots.front());
    ASSERT_TRUE(ceremony::sign(opened.content, first, test::holding(keys)));
    ASSERT_TRUE(opened.content.write(ws.pending()));
  }

  test::SupplierWorkspace ws;
  sim::Keys release_key = sim::keys("image-fw", 1);
};

TEST_F(Perishables, ASupplierRenewsItsFileByItsOwnKeys) {
  const Perishable acme = of("image/acme");
  EXPECT_EQ(who_acts(acme), "acme");
  EXPECT_TRUE(acme.command.starts_with("cotter submit FILE --supplier acme ")) << acme.command;
  std::vector<std::string> keys = digits_of(ws.acme);
  for (std::string& key : keys) key += " (acme)";
  EXPECT_EQ(sorted(acme.keys), keys);
}

TEST_F(Perishables, ALifeBeganWhenTheLedgerSaysThatTheFileWasPublished) {
  EXPECT_EQ(of("image/acme").begins, kNow) << "it lives 30 days, and not cotter.toml's 90";
  EXPECT_EQ(of("image/acme").ends, kNow + days(30));
  EXPECT_EQ(of("image/fw").begins, kNow) << "a year";
  EXPECT_EQ(of("image/fw").ends, kNow + kBinLifetime);
}

TEST_F(Perishables, ASupplierOfASupplierRenewsItsOwn) {
  operations::SupplierPolicy policy;
  policy.may_delegate = true;
  ws.take_in_again(policy);
  const model::Targets base = ws.next(ws.release("acme/ecu/app", "an image"));
  publish("acme", ws.signed_by(ws.letting_sign(ws.below(), base, 2)), "");
  publish("acme-sensors", ws.signed_by(ws.sensors, ws.next(ws.release("acme/sensors/imu", "imu"))), "imu");
  const Perishable sensors = of("image/acme-sensors");
  EXPECT_EQ(who_acts(sensors), "acme-sensors");
  EXPECT_TRUE(sensors.command.starts_with("cotter submit FILE --supplier acme-sensors ")) << sensors.command;
  EXPECT_EQ(sensors.hangs_on, std::vector<std::string>{"image/acme"});
}

TEST_F(Perishables, ASupplierThatWasRemovedIsAskedForNothing) {
  RemoveSupplierRequest request;
  request.name = RoleName("acme");
  request.online = [this] { return Result<OnlineSigners>(ws.keys.online()); };
  const auto waiting = remove_supplier(ws.workspace(), request, kNow);
  ASSERT_TRUE(waiting) << explain(waiting.error());
  ASSERT_EQ(waiting->state, TargetsOutcome::State::Awaiting);
  EXPECT_EQ(who_acts(of("image/acme")), "operator");
  EXPECT_TRUE(of("image/acme").command.starts_with("none: ")) << of("image/acme").command;
}

TEST_F(Perishables, AReleaseRoleIsRenewedByItsVerb) {
  const Perishable fw = of("image/fw");
  EXPECT_EQ(fw.command, "cotter release renew fw");
  EXPECT_EQ(who_acts(fw), "operator");
  EXPECT_EQ(fw.keys, std::vector<std::string>{digits(*release_key.front()) + " (fw)"});
}

TEST_F(Perishables, ABinThatEndsBeforeItsRolesOwnFileCounts) {
  ApplyRequest request;
  request.manifest.role = RoleName("fw");
  Artifact artifact;
  artifact.file = ws.file("firmware");
  artifact.release.name = TargetName("fw/a");
  artifact.release.hardware_ids = {HardwareId("hw-1")};
  artifact.release.version = "1.0";
  artifact.where = "a";
  request.manifest.artifacts = {artifact};
  request.signers = [this](const RoleName&) { return release_signers(); };
  const auto applied = apply_release(ws.workspace(), request, kNow + days(10));
  ASSERT_TRUE(applied) << explain(applied.error());
  // The bin that was written last is left alone.
  const auto renewed = renew_release_role(
      ws.workspace(), RoleName("fw"), days(350), [this] { return release_signers(); }, kNow + days(20));
  ASSERT_TRUE(renewed) << explain(renewed.error());
  ASSERT_EQ(renewed->renewed, 1U) << "of two bins";
  const Perishable fw = of("image/fw");
  EXPECT_EQ(fw.ends, kNow + days(10) + kBinLifetime) << "the other bin and the role's file live on";
  EXPECT_EQ(fw.begins, kNow + days(10));
  EXPECT_EQ(fw.hangs_on, std::vector<std::string>{"image/targets"});
  EXPECT_EQ(fw.command, "cotter release renew fw");
}

TEST_F(Perishables, ARootThatKeepsItsKeysAsksItsHoldersOnce) {
  static_cast<void>(open_root({}));
  const Perishable waiting = of("pending/image-root-2.json");
  ASSERT_EQ(waiting.quorums.size(), 1U);
  EXPECT_EQ(waiting.quorums[0].needed, 2U);
  EXPECT_EQ(sorted(waiting.quorums[0].who), digits_of(ws.keys.root));
  EXPECT_EQ(waiting.name, "open ceremony: root 2, 0 of 2 signatures");
  EXPECT_EQ(waiting.begins, kNow) << "it would live 30 days, and not cotter.toml's year";
  EXPECT_EQ(sorted(waiting.keys), digits_of(ws.keys.root));
}

TEST_F(Perishables, ARootThatChangesItsKeysAsksTheHoldersOfBoth) {
  const sim::Keys& root = ws.keys.root;
  const auto newcomer = sim::key("image-root-4");
  OpenCeremony opened = open_root({{{model::root_role(), newcomer->public_key()}},
                                   {{model::root_role(), root[0]->public_key().computed_id()}},
                                   {}});
  const std::string id = "pending/image-root-2.json";
  const Perishable waiting = of(id);
  ASSERT_EQ(waiting.quorums.size(), 2U);
  EXPECT_EQ(waiting.quorums[0].needed, 2U);
  EXPECT_EQ(sorted(waiting.quorums[0].who), digits_of(root));
  EXPECT_EQ(waiting.quorums[1].needed, 2U);
  EXPECT_EQ(sorted(waiting.quorums[1].who), digits_of({root[1], root[2], newcomer}));
  EXPECT_EQ(sorted(waiting.keys), digits_of({root[0], root[1], root[2], newcomer}));

  sign(opened, {newcomer});
  const Perishable begun = of(id);
  ASSERT_EQ(begun.quorums.size(), 2U);
  EXPECT_EQ(begun.quorums[0].needed, 2U) << "the new holder is none of theirs";
  EXPECT_EQ(begun.quorums[1].needed, 1U);
  EXPECT_EQ(sorted(begun.quorums[1].who), digits_of({root[1], root[2]}));

  sign(opened, {root[0], root[1]});
  EXPECT_EQ(who_acts(of(id)), "operator") << "all have signed";
  EXPECT_EQ(of(id).command, "cotter ceremony close " + (ws.pending() / "image-root-2.json").string());
}

}  // namespace
}  // namespace cotter::app
