// What somebody at the workspace was refused, and what was no refusal.
#include "server/app/record_refusal.h"

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "server/app/end_release_role.h"
#include "server/app/record.h"
#include "server/app/targets_ceremony.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/unit/server/release_workspace.h"
#include "tests/unit/server/root_ceremony.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using test::kFirmware;
using test::kNow;

std::vector<ledger::Entry> refusals(const test::TestWorkspace& ws) {
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  std::vector<ledger::Entry> all;
  storage::LedgerFilter filter;
  filter.kind = ledger::kRefusal;
  EXPECT_TRUE(storage::LedgerStore(db).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
    all.push_back(ledger::Entry::decode(row.body).value());
    return {};
  }));
  return all;
}

std::string text_in(const ledger::Entry& entry, const char* name) {
  const json::Value* member = entry.details.find(name);
  return member == nullptr ? "(none)" : std::string(member->as_string()->view());
}

/// "SUBJECT DOCUMENT" of each.
std::vector<std::string> told(const test::TestWorkspace& ws) {
  std::vector<std::string> all;
  for (const ledger::Entry& entry : refusals(ws))
    all.push_back(entry.subject + " " + text_in(entry, "document"));
  return all;
}

class RefusedRelease : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(ws_.init_role()); }
  [[nodiscard]] Result<ReleaseSigners> strangers() const {
    return ReleaseSigners{ws_.keys.online(), stranger_.get()};
  }
  /// Nothing of that name is among the role's paths.
  [[nodiscard]] ApplyRequest elsewhere() const {
    Artifact artifact = ws_.artifact("a", "a");
    artifact.release.name = TargetName("other/a");
    return ws_.request({artifact});
  }

  test::ReleaseWorkspace ws_;
  std::shared_ptr<crypto::Signer> stranger_ = sim::key("stranger");
};

TEST_F(RefusedRelease, IsToldOnceOfARow) {
  for (int time = 0; time < 3; ++time) ASSERT_FALSE(apply_release(ws_.workspace(), elsewhere(), kNow));
  const auto all = refusals(ws_);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].subject, "image/fw");
  EXPECT_EQ(all[0].who, acting_account());
  EXPECT_EQ(text_in(all[0], "document"), "release");
  EXPECT_NE(text_in(all[0], "reason").find("other/a"), std::string::npos) << text_in(all[0], "reason");
}

TEST_F(RefusedRelease, IsNoneWhereItWasOnlyTried) {
  ApplyRequest request = elsewhere();
  request.dry_run = true;
  ASSERT_FALSE(apply_release(ws_.workspace(), request, kNow));
  EXPECT_TRUE(refusals(ws_).empty());
}

TEST_F(RefusedRelease, IsToldOfWhateverIsDoneToTheRole) {
  ASSERT_FALSE(ws_.init_role({0, 1}, 4)) << "it has other bins";
  const auto renewed = renew_release_role(
      ws_.workspace(), kFirmware, std::chrono::days(400), [this] { return strangers(); }, kNow);
  ASSERT_FALSE(renewed);
  GrowRequest grow = ws_.grow_request({0, 1}, 4);
  grow.signers = [this] { return strangers(); };
  ASSERT_FALSE(grow_release_role(ws_.workspace(), grow, kNow));
  EndRoleRequest end;
  end.name = kFirmware;
  end.holders = {stranger_.get()};
  ASSERT_FALSE(end_release_role(ws_.workspace(), end, kNow));
  EXPECT_EQ(told(ws_), (std::vector<std::string>{"image/fw new-role", "image/fw renewal", "image/fw growth",
                                                 "image/fw end-of-role"}));
}

TEST_F(RefusedRelease, IsNoneWhereAPassphraseWasMistyped) {
  const Fault mistyped{Fault::Kind::Denied, "cannot unlock the keys: wrong passphrase", ""};
  ApplyRequest request = ws_.request({ws_.artifact("a", "a")});
  request.signers = [&](const RoleName&) -> Result<ReleaseSigners> { return fail(mistyped); };
  ASSERT_FALSE(apply_release(ws_.workspace(), request, kNow));
  PublishRequest publication = ws_.TestWorkspace::request("b", "b", {0, 1});
  publication.online = [&]() -> Result<OnlineSigners> { return fail(mistyped); };
  const auto published = ws_.publish(publication);
  ASSERT_FALSE(published);
  EXPECT_TRUE(is_fault(published.error(), Fault::Kind::Denied)) << "whoever typed it hears the same";
  EXPECT_TRUE(refusals(ws_).empty());
}

TEST(RefusedOpening, OfARootIsTold) {
  test::RootCeremonyIn<test::SupplierWorkspace> at;
  for (const Repository repository : {Repository::Image, Repository::Director}) {
    at.repository = repository;
    ASSERT_TRUE(at.open({}));
    ASSERT_FALSE(at.open({})) << "one is open";
  }
  EXPECT_EQ(told(at.ws), (std::vector<std::string>{"image/root opening", "director/root opening"}));
}

TEST(RefusedOpening, OfTheTargetsIsTold) {
  const test::TestWorkspace ws;
  const auto stranger = sim::key("stranger");
  TargetsSigning signing;
  signing.holders = {stranger.get()};
  ASSERT_FALSE(open_targets_ceremony(ws.workspace(), signing, {}, kNow));
  EXPECT_EQ(told(ws), (std::vector<std::string>{"image/targets opening"}));
}

TEST(RefusedSupplier, IsToldOfItsTermsAndOfItsEnd) {
  const test::SupplierWorkspace ws;
  ws.take_in();
  AddSupplierRequest rival = ws.supplier();
  rival.plan.name = RoleName("rival");
  ASSERT_FALSE(add_supplier(ws.workspace(), rival, kNow)) << "its keys are another's";
  AddSupplierRequest other_terms = ws.supplier();
  other_terms.plan.threshold = 1;
  ASSERT_FALSE(add_supplier(ws.workspace(), other_terms, kNow));
  AddSupplierRequest slip = ws.supplier();
  slip.policy.quota_bytes = 0;
  ASSERT_FALSE(add_supplier(ws.workspace(), slip, kNow)) << "which is no refusal";
  const auto stranger = sim::key("stranger");
  RemoveSupplierRequest removal;
  removal.name = RoleName("acme");
  removal.holders = {stranger.get()};
  ASSERT_FALSE(remove_supplier(ws.workspace(), removal, kNow));
  EXPECT_EQ(told(ws), (std::vector<std::string>{"rival supplier", "acme supplier", "acme removal"}));
}

}  // namespace
}  // namespace cotter::app
