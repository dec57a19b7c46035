#include "server/app/delegation_intake.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/app/intake.h"
#include "server/app/supplier_family.h"
#include "server/repository/folder_transport.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using operations::FileKind;
using repository::SupplierRolePlan;
using test::kNow;
using test::SupplierWorkspace;

/// What acme hands in is judged as it comes, signed.
class DelegationsOf : public testing::Test {
 protected:
  void SetUp() override {
    supplier.policy.may_delegate = true;
    ws.take_in(supplier.policy);
    set.emplace(ws.read().value());
    terms.way = {{set->targets(), RoleName("acme")}};
    terms.supplier = &supplier;
    terms.now = kNow;
    repository::FolderTransport folder(ws.repo());
    terms.neighbours = neighbours_of(*set, folder, RoleName("acme"));
  }
  static IntakeFile file(FileKind kind, std::string_view content) {
    return {kind, content.size(), crypto::Hashes::of(as_bytes(content)), to_bytes(content)};
  }
  std::vector<std::string> judge(const model::Targets& targets) {
    return judge_submission(terms, {file(FileKind::Metadata, as_text(ws.signed_by(targets)))}).wrong;
  }
  template <class Change>
  std::vector<std::string> judge_changed(Change change) {
    SupplierRolePlan plan = ws.below();
    change(plan);
    return judge(SupplierWorkspace::letting_sign(plan));
  }
  /// Exactly one thing is wrong, and the sentence says this.
  static void expect_wrong(const std::vector<std::string>& wrong, std::string_view part) {
    ASSERT_EQ(wrong.size(), 1U) << testing::PrintToString(wrong);
    EXPECT_NE(wrong.front().find(part), std::string::npos) << wrong.front();
  }

  SupplierWorkspace ws;
  std::optional<trust::TrustedSet> set;
  operations::Supplier supplier{RoleName("acme"), {}, kNow};
  IntakeTerms terms;
};

TEST_F(DelegationsOf, ASupplierAreTakenWithinItsOwnAndToldInWords) {  // IMG-10
  const auto verdict = judge_submission(
      terms, {file(FileKind::Metadata, as_text(ws.signed_by(SupplierWorkspace::letting_sign(ws.below()))))});
  EXPECT_TRUE(verdict.wrong.empty()) << testing::PrintToString(verdict.wrong);
  ASSERT_EQ(verdict.notes.size(), 1U);
  EXPECT_EQ(
      verdict.notes.front().find("acme lets acme-sensors sign acme/sensors/* for acme-ecu, with 2 of: "), 0U)
      << verdict.notes.front();
}

TEST_F(DelegationsOf, ASupplierNeedItsPolicysLeave) {
  supplier.policy.may_delegate = false;
  expect_wrong(judge(SupplierWorkspace::letting_sign(ws.below())), "does not allow");
}

TEST_F(DelegationsOf, ASupplierBearItsName) {  // IMG-10
  for (const char* name : {"sensors", "acme", "acme-", "acmesensors"})
    expect_wrong(judge_changed([&](auto& plan) { plan.name = RoleName(name); }), "begin with acme-");
}

TEST_F(DelegationsOf, ASupplierHavePathsThatAreTextAlone) {  // IMG-3
  for (const std::string path : {"acme/\x1b[2Jsensors/*", "acme/sensors/a\nb", "acme/sensors/\x7f",
                                 "acme/a b/*", "acme/\xc2\x9b/x", "acme/sensors/\t"}) {
    const auto wrong = judge_changed([&](auto& plan) { plan.paths = {path}; });
    ASSERT_EQ(wrong.size(), 1U) << path << testing::PrintToString(wrong);
    EXPECT_NE(wrong.front().find("will not do as a path"), std::string::npos) << wrong.front();
    EXPECT_TRUE(std::ranges::all_of(wrong.front(), [](char c) { return c >= ' ' && c <= '~'; }));
  }
  for (const char* path : {"acme/sensors/*", "acme/sensors/a-?.b+c_[0-9]"}) {
    const auto wrong = judge_changed([&](auto& plan) { plan.paths = {path}; });
    EXPECT_TRUE(wrong.empty()) << path << testing::PrintToString(wrong);
  }
}

TEST_F(DelegationsOf, ASupplierTakeNobodysName) {
  for (const char* other : {"acme-sensors", "acme"}) terms.neighbours.names.insert(RoleName(other));
  expect_wrong(judge(SupplierWorkspace::letting_sign(ws.below())), "another's name");
  terms.neighbours.names = {RoleName("acme-west")};
  expect_wrong(judge_changed([](auto& plan) { plan.name = RoleName("acme-west-1"); }), "another's name");
  EXPECT_TRUE(judge(SupplierWorkspace::letting_sign(ws.below())).empty());
}

TEST_F(DelegationsOf, ASupplierKeepToItsPathsAndHardware) {  // IMG-3
  expect_wrong(judge_changed([](auto& plan) { plan.paths = {"acme/sensors/*", "other/*/*"}; }), "other/*/*");
  expect_wrong(judge_changed([](auto& plan) { plan.paths = {"a*/sensors/*"}; }), "not within the paths");
  expect_wrong(judge_changed([](auto& plan) { plan.hardware_ids.emplace_back("other-ecu"); }), "other-ecu");
  auto targets = SupplierWorkspace::letting_sign(ws.below());
  targets.delegations->roles.front().any_hardware = true;
  expect_wrong(judge(targets), "no hardware id");
  targets = SupplierWorkspace::letting_sign(ws.below());
  targets.delegations->roles.front().paths.clear();
  targets.delegations->roles.front().path_hash_prefixes = {"0"};
  expect_wrong(judge(targets), "no path");
}

TEST_F(DelegationsOf, ASupplierAreNoWeakerThanIt) {
  expect_wrong(judge_changed([](auto& plan) { plan.threshold = 1; }), "it may not be less");
  supplier.policy.schemes = {"ecdsa-sha2-nistp256"};
  const auto wrong = judge(SupplierWorkspace::letting_sign(ws.below()));
  EXPECT_EQ(wrong.size(), 6U) << "each of acme's three keys and of acme-sensors' three: "
                              << testing::PrintToString(wrong);
}

TEST_F(DelegationsOf, ASupplierHaveKeysOfTheirOwn) {  // KEY-2
  for (const auto& [key, role] : {std::pair(ws.acme[0], "acme"), std::pair(ws.keys.targets[0], "targets"),
                                  std::pair(ws.keys.timestamp[0], "timestamp")}) {
    expect_wrong(judge_changed([&, key = key](auto& plan) { plan.keys[0] = key->public_key(); }),
                 std::string("signs for ") + role + " too");
  }
  SupplierRolePlan other = ws.below();
  other.name = RoleName("acme-radios");
  other.paths = {"acme/radios/*"};
  const auto wrong =
      judge(SupplierWorkspace::letting_sign(other, SupplierWorkspace::letting_sign(ws.below())));
  EXPECT_EQ(wrong.size(), 3U) << testing::PrintToString(wrong);
}

TEST_F(DelegationsOf, ASupplierDoNotShareNames) {  // IMG-10
  model::Targets targets = SupplierWorkspace::letting_sign(ws.below());
  SupplierRolePlan other = ws.below();
  other.name = RoleName("acme-radios");
  other.paths = {"acme/radios/*"};
  other.keys.clear();
  for (const auto& key : sim::keys("radios", 2)) other.keys.push_back(key->public_key());
  targets = SupplierWorkspace::letting_sign(other, targets);
  EXPECT_TRUE(judge(targets).empty());
  targets.delegations->roles.back().paths = {"acme/*/radio"};
  expect_wrong(judge(targets), "some of the same names");
}

TEST_F(DelegationsOf, ASupplierAreNoBinsAndNoSeveralThatAgreeAndNotTooMany) {
  auto targets = SupplierWorkspace::letting_sign(ws.below());
  model::DelegatedRole& entry = targets.delegations->roles.front();
  entry.roleinfo = {{entry.name, entry.keys}};
  expect_wrong(judge(targets), "several roles that must agree");
  targets = SupplierWorkspace::letting_sign(ws.below());
  model::Delegations& bins = *targets.delegations;
  bins.succinct = model::SuccinctRoles{bins.roles.front().keys, 1, "acme-bin", {}};
  bins.roles.clear();
  expect_wrong(judge(targets), "hash bins");
  expect_wrong(judge_changed([](auto& plan) { plan.paths.assign(kMaxPathsBelow + 1, "acme/sensors/*"); }),
               "at most");
}

}  // namespace
}  // namespace cotter::app
