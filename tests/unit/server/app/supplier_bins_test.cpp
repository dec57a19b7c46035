// A supplier whose images lie in hashed bins: what it signs, what is taken, what vehicles find, and what is
// left when it goes.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "common/json/canonical.h"
#include "server/app/abilities.h"
#include "server/app/assign.h"
#include "server/app/bin_names.h"
#include "server/app/blast_radius.h"
#include "server/app/check_repository.h"
#include "server/app/director_roots.h"
#include "server/app/grow_release_role.h"
#include "server/app/next_bins.h"
#include "server/app/perishables.h"
#include "server/app/register_vehicle.h"
#include "server/app/signing_paths.h"
#include "server/app/targets_change.h"
#include "server/app/trace_workspace.h"
#include "server/ceremony/agreed_bins.h"
#include "server/repository/bins.h"
#include "server/repository/folder_transport.h"
#include "server/storage/sqlite/version_journal.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/openssl_key.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/root_ceremony.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

using operations::FileKind;
using operations::SubmissionState;
using test::kAcme;
using test::kApp;
using test::kNow;
using test::SupplierWorkspace;
using Metadata = std::vector<SubmissionBundle::Metadata>;
using Images = std::map<std::string, std::string>;  ///< contents, by name

constexpr std::uint32_t kBits = 2;
const std::string kBuild = "the build";

operations::SupplierPolicy in_bins(operations::SupplierPolicy policy = {}) {
  policy.bit_length = kBits;
  return policy;
}

RoleName bin_of(const std::string& name) {
  model::SuccinctRoles bins;
  bins.bit_length = kBits;
  bins.name_prefix = kAcme.value();
  return bins.bin_of(TargetName(name));
}

/// A name whose image lies in another bin.
std::string elsewhere(const std::string& name) {
  for (int number = 0;; ++number) {
    const std::string other = "acme/ecu/other-" + std::to_string(number);
    if (bin_of(other) != bin_of(name)) return other;
  }
}

/// What acme signs next: these images beside, or in place of, what is published.
Metadata next_of(const SupplierWorkspace& ws, const Images& images, bool renews = false,
                 std::uint64_t counter = 1, Version least = Version(1)) {
  trust::TrustedSet set = ws.read().value();
  repository::FolderTransport folder(ws.repo());
  const auto role = read_split_role(set, folder, kAcme);
  EXPECT_TRUE(role) << explain(role.error());
  model::Targets all = (*role)->listed();
  for (const auto& [name, content] : images) {
    const auto release = SupplierWorkspace::release(name, content, counter);
    all.targets[release.name] = repository::target_of(release, *release.counter);
  }
  return next_metadata(**role, all, {kNow, kNow + std::chrono::days(30), renews, least});
}

Metadata signed_by(Metadata all, const sim::Keys& keys, std::initializer_list<std::size_t> places = {0, 1}) {
  for (SubmissionBundle::Metadata& each : all) {
    for (const std::size_t place : places) each.attach(keys.at(place)->sign(each.canonical()).value());
  }
  return all;
}

/// As if it had come by the API, judged and waiting.
std::string waiting(const SupplierWorkspace& ws, const Metadata& metadata, const Images& images) {
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  SubmissionBundle bundle;
  bundle.role = kAcme;
  bundle.metadata = metadata;
  operations::SubmissionRecord record;
  record.id = operations::new_submission_id();
  record.supplier = kAcme.value();
  record.token = "acme-ci";
  record.created = kNow;
  record.state = SubmissionState::Waiting;
  record.submission = bundle.submission();
  SubmissionFiles files(ws.workspace().submissions_dir());
  for (std::size_t at = 0; at < metadata.size(); ++at)
    EXPECT_TRUE(files.append(record.id, record.submission.files[at], 0, metadata[at].wire()));
  for (const auto& [name, content] : images) {
    record.submission.files.push_back({FileKind::Image, crypto::sha256(as_bytes(content)), content.size()});
    EXPECT_TRUE(files.append(record.id, record.submission.files.back(), 0, as_bytes(content)));
  }
  SupplierWorkspace::give_token(db, record.supplier);
  EXPECT_TRUE(storage::SupplierStore(db).add(record));
  return record.id;
}

AcceptOutcome judged(const SupplierWorkspace& ws, const Metadata& metadata, const Images& images) {
  const auto outcome = ws.accept(waiting(ws, metadata, images));
  EXPECT_TRUE(outcome) << explain(outcome.error());
  return outcome.value_or(AcceptOutcome());
}

void publish(const SupplierWorkspace& ws, const Images& images, std::uint64_t counter = 1) {
  const auto outcome = judged(ws, signed_by(next_of(ws, images, false, counter), ws.acme), images);
  ASSERT_EQ(outcome.state, SubmissionState::Accepted) << testing::PrintToString(outcome.wrong);
}

Version version_of(const SupplierWorkspace& ws, const RoleName& role) {
  const auto listed = ws.read()->listed(role);
  return listed ? listed->version : Version(0);
}

class SupplierBins : public testing::Test {
 protected:
  void SetUp() override { ws.take_in(in_bins()); }
  /// It is refused, and of what is wrong one sentence says this.
  void expect_wrong(const Metadata& metadata, std::string_view part,
                    const Images& images = {{kApp, kBuild}}) {
    const AcceptOutcome outcome = judged(ws, metadata, images);
    EXPECT_EQ(outcome.state, SubmissionState::Refused);
    const auto says = [&](const std::string& sentence) { return sentence.find(part) != std::string::npos; };
    EXPECT_TRUE(std::ranges::any_of(outcome.wrong, says)) << part << testing::PrintToString(outcome.wrong);
  }
  Metadata first() { return next_of(ws, {{kApp, kBuild}}); }
  /// Of the first submission: its own file, the bin of kApp, all others.
  static constexpr std::size_t kOwn = 0, kBin = 1, kEmpty = 2;

  SupplierWorkspace ws;
};

TEST_F(SupplierBins, AreHandedInAllAtFirstAndVehiclesFindEachImageInItsOwn) {  // IMG-7
  const Metadata all = first();
  ASSERT_EQ(all.size(), 3U) << "those without an image are one file";
  EXPECT_EQ(all[kEmpty].roles.size(), 3U);
  publish(ws, {{kApp, kBuild}});
  const auto found = ws.find(kApp);
  ASSERT_TRUE(found) << explain(found.error());
  EXPECT_EQ(found->role, bin_of(kApp));
  const auto none = ws.find(elsewhere(kApp));
  ASSERT_FALSE(none);
  const Rejection* rejection = rejection_in(none.error());
  ASSERT_NE(rejection, nullptr) << explain(none.error());
  EXPECT_EQ(rejection->rule, RuleId::TargetNotFound) << "an empty bin is a good one";
  for (const RoleName& role : {kAcme, bin_of(kApp), bin_of(elsewhere(kApp))}) {
    const auto listed = ws.read()->listed(role);
    ASSERT_TRUE(listed && listed->hashes && listed->length) << role.value();
    EXPECT_EQ(listed->hashes->all().size(), 1U) << "SHA-256 is enough";
  }
  expect_healthy(ws);
}

TEST_F(SupplierBins, ComeAloneWhereTheyAloneChange) {
  publish(ws, {{kApp, kBuild}});
  const std::string other = elsewhere(kApp);
  const Metadata more = next_of(ws, {{other, "more"}});
  ASSERT_EQ(more.size(), 1U);
  EXPECT_EQ(more.front().roles, std::vector{bin_of(other)});
  publish(ws, {{other, "more"}});
  EXPECT_EQ(version_of(ws, bin_of(other)), Version(2));
  for (const RoleName& stays : {kAcme, bin_of(kApp)}) EXPECT_EQ(version_of(ws, stays), Version(1));
  EXPECT_TRUE(ws.find(kApp));
  EXPECT_TRUE(ws.find(other));
  publish(ws, {{kApp, "the next build"}}, 2);
  EXPECT_EQ(version_of(ws, bin_of(kApp)), Version(3)) << "above all that any file of acme has";
  expect_healthy(ws);
}

TEST_F(SupplierBins, AreRenewedAllTogether) {
  publish(ws, {{kApp, kBuild}});
  const Metadata all = next_of(ws, {}, true);
  ASSERT_EQ(all.size(), 3U);
  const auto outcome = judged(ws, signed_by(all, ws.acme), {});
  ASSERT_EQ(outcome.state, SubmissionState::Accepted) << testing::PrintToString(outcome.wrong);
  EXPECT_TRUE(outcome.gone.empty());
  EXPECT_EQ(version_of(ws, kAcme), Version(2));
  EXPECT_EQ(version_of(ws, bin_of(elsewhere(kApp))), Version(2));
  EXPECT_TRUE(ws.find(kApp));
}

TEST_F(SupplierBins, NeedTheThresholdEach) {  // IMG-7
  Metadata all = signed_by(first(), ws.acme);
  for (const std::size_t place : {kOwn, kBin, kEmpty}) {
    Metadata short_of_one = all;
    short_of_one[place].signatures.pop_back();
    expect_wrong(short_of_one, "threshold-not-met");
  }
  Metadata strangers = first();
  for (SubmissionBundle::Metadata& each : strangers) each = signed_by({each}, ws.acme).front();
  strangers[kBin].signatures.clear();
  strangers[kBin] = signed_by({strangers[kBin]}, ws.sensors).front();
  expect_wrong(strangers, "threshold-not-met");
}

TEST_F(SupplierBins, AreAllThereOrNoneIs) {
  Metadata lacking = signed_by(first(), ws.acme);
  lacking.pop_back();
  expect_wrong(lacking, "bins were never handed in, ");
  Metadata without_own = signed_by(first(), ws.acme);
  without_own.erase(without_own.begin());
  expect_wrong(without_own, "itself are missing");
  EXPECT_FALSE(ws.read()->listed(kAcme));
}

TEST_F(SupplierBins, AreNotTakenAloneWhereTheOwnFileThatStaysHasExpired) {  // IMG-7
  publish(ws, {{kApp, kBuild}});
  const std::string other = elsewhere(kApp);
  Metadata next = next_of(ws, {{other, "more"}});
  ASSERT_EQ(next.size(), 1U);
  next.front().targets.expires = kNow + std::chrono::days(60);
  AcceptRequest request;
  request.id = waiting(ws, signed_by(next, ws.acme), {{other, "more"}});
  request.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
  const auto outcome = accept_submission(ws.workspace(), request, kNow + std::chrono::days(31));
  ASSERT_TRUE(outcome) << explain(outcome.error());
  ASSERT_EQ(outcome->wrong.size(), 1U) << testing::PrintToString(outcome->wrong);
  EXPECT_NE(outcome->wrong.front().find("itself, which stay, expired on"), std::string::npos)
      << outcome->wrong.front();
}

TEST_F(SupplierBins, HoldEachImageWhereVehiclesLookForIt) {
  Metadata all = first();
  const RoleName other = bin_of(elsewhere(kApp));
  std::erase(all[kEmpty].roles, other);
  all[kEmpty].roles.push_back(bin_of(kApp));
  all[kBin].roles = {other};
  expect_wrong(signed_by(all, ws.acme), "vehicles look for it in " + bin_of(kApp).value());
  Metadata shared = first();
  shared[kEmpty].targets.targets = shared[kBin].targets.targets;
  shared[kEmpty].roles.push_back(bin_of(kApp));
  shared.erase(shared.begin() + 1);
  expect_wrong(signed_by(shared, ws.acme), "and lists images");
}

TEST_F(SupplierBins, AreOfOneVersionAboveAllThereIs) {  // IMG-7
  Metadata torn = first();
  torn[kBin].targets.version = Version(2);
  expect_wrong(signed_by(torn, ws.acme), "one submission, one version");
  publish(ws, {{kApp, kBuild}});
  publish(ws, {{elsewhere(kApp), "more"}});
  Metadata late = next_of(ws, {{kApp, "the next build"}}, false, 2);
  late.front().targets.version = Version(2);  // above what the bin has, and not above what acme has
  expect_wrong(signed_by(late, ws.acme), "is not above", {{kApp, "the next build"}});
}

TEST_F(SupplierBins, GetALaterVersionWhereOneWasSpentInVain) {
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  ASSERT_TRUE(storage::VersionJournal(db).note({Repository::Image, std::nullopt}, kAcme, Version(1),
                                               as_bytes("never published")));
  expect_wrong(signed_by(first(), ws.acme), "cotter submit --metadata-version 2");
  const Images images{{kApp, kBuild}};
  const auto later = judged(ws, signed_by(next_of(ws, images, false, 1, Version(2)), ws.acme), images);
  EXPECT_EQ(later.state, SubmissionState::Accepted) << testing::PrintToString(later.wrong);
  for (const RoleName& role : {kAcme, bin_of(kApp)}) EXPECT_EQ(version_of(ws, role), Version(2));
}

TEST_F(SupplierBins, AreTheSuppliersOwnAndNobodyElses) {
  const auto with = [&](auto change) {
    Metadata all = first();
    change(all);
    return signed_by(all, ws.acme);
  };
  expect_wrong(with([](Metadata& all) { all[kOwn].targets.delegations->succinct->bit_length = 1; }),
               "must delegate to its 4 hashed bins");
  expect_wrong(with([](Metadata& all) { all[kOwn].targets.delegations->succinct->name_prefix = "fw"; }),
               "must delegate to its 4 hashed bins");
  expect_wrong(with([](Metadata& all) { all[kOwn].targets.delegations->succinct.reset(); }),
               "must delegate to its 4 hashed bins");
  expect_wrong(with([](Metadata& all) { all[kOwn].targets.delegations->succinct->keys.threshold = 1; }),
               "must be signed by the keys and the threshold");
  expect_wrong(with([&](Metadata& all) {
                 const crypto::PublicKey key = ws.sensors.front()->public_key();
                 all[kOwn].targets.delegations->keys.emplace(key.computed_id(), key);
                 all[kOwn].targets.delegations->succinct->keys.keyids.push_back(key.computed_id());
               }),
               "must be signed by the keys and the threshold");
  expect_wrong(with([](Metadata& all) {
                 model::Delegations& own = *all[kOwn].targets.delegations;
                 const crypto::PublicKey key = own.keys.begin()->second;
                 own.keys.emplace(KeyId("another-name"), key);
                 own.succinct->keys.keyids.emplace_back("another-name");
               }),
               "as the targets list them");
  expect_wrong(with([&](Metadata& all) {
                 const crypto::PublicKey idle = ws.sensors.front()->public_key();
                 all[kOwn].targets.delegations->keys.emplace(idle.computed_id(), idle);
               }),
               "as the targets list them");
  expect_wrong(with([](Metadata& all) {
                 crypto::PublicKey& key = all[kOwn].targets.delegations->keys.begin()->second;
                 json::Object longer = *key.encode().as_object();
                 longer.set("x-note", std::string(1000, 'n'));
                 key = crypto::PublicKey::decode(json::Value(longer), model::Profile::Vehicle).value();
               }),
               "as the targets list them");
  expect_wrong(with([](Metadata& all) { all[kOwn].targets.targets = all[kBin].targets.targets; }),
               "itself, and not in a bin");
  expect_wrong(with([&](Metadata& all) {
                 all[kBin].targets.delegations = SupplierWorkspace::letting_sign(ws.below()).delegations;
               }),
               "lets others sign, which a bin may not");
  expect_wrong(with([](Metadata& all) { all[kEmpty].roles.emplace_back("acme-9"); }), "is no bin of acme");
}

TEST_F(SupplierBins, AreSignedWhereWhoeverSignsSeesAllThatHisSignatureLetsThrough) {
  trust::TrustedSet set = ws.read().value();
  repository::FolderTransport folder(ws.repo());
  const auto role = read_split_role(set, folder, kAcme);
  ASSERT_TRUE(role && *role);
  const auto checked = [&](auto change) {
    SubmissionBundle bundle;
    bundle.role = kAcme;
    bundle.metadata = first();
    change(bundle.metadata);
    const std::string passed_on = json::to_text(bundle.encode());
    return check_bundle(**role, SubmissionBundle::decode(as_bytes(passed_on)).value());
  };
  const auto is_denied = [&](auto change) {
    const auto judged = checked(change);
    return !judged && is_fault(judged.error(), Fault::Kind::Denied);
  };
  const auto good = checked([](Metadata&) {});
  EXPECT_TRUE(good) << explain(good.error());
  EXPECT_TRUE(is_denied([&](Metadata& all) {
    const crypto::PublicKey key = ws.sensors.front()->public_key();
    all[kOwn].targets.delegations->keys.emplace(key.computed_id(), key);
    all[kOwn].targets.delegations->succinct->keys.keyids.push_back(key.computed_id());
  }));
  EXPECT_TRUE(is_denied([](Metadata& all) { all[kOwn].targets.delegations->succinct->keys.threshold = 1; }));
  EXPECT_TRUE(is_denied([](Metadata& all) { all[kOwn].targets.targets = all[kBin].targets.targets; }));
  EXPECT_TRUE(is_denied([&](Metadata& all) {
    all[kBin].targets.delegations = SupplierWorkspace::letting_sign(ws.below()).delegations;
  }));
  EXPECT_TRUE(is_denied([](Metadata& all) { all.push_back(all[kBin]); })) << "only one of the two is read";
  EXPECT_TRUE(is_denied([](Metadata& all) { all[kBin].roles = {RoleName("acme-9")}; }));
}

TEST_F(SupplierBins, ShareOneQuotaAndOneCounter) {  // IMG-9
  operations::SupplierPolicy policy = in_bins();
  policy.quota_bytes = kBuild.size() + 3;
  ws.take_in_again(policy);
  publish(ws, {{kApp, kBuild}}, 5);
  const std::string other = elsewhere(kApp);
  expect_wrong(signed_by(next_of(ws, {{other, "more"}}, false, 5), ws.acme), "the quota", {{other, "more"}});
  expect_wrong(signed_by(next_of(ws, {{other, "few"}}, false, 4), ws.acme), "a rollback", {{other, "few"}});
  publish(ws, {{other, "few"}}, 5);
}

TEST_F(SupplierBins, AreJudgedTogetherAndAllThatIsWrongIsSaidAtOnce) {
  const std::string other = elsewhere(kApp);
  Metadata all = next_of(ws, {{kApp, kBuild}, {other, "more"}});
  ASSERT_EQ(all.size(), 4U);
  all[1].targets.expires = kNow;
  for (auto& [name, target] : all[2].targets.targets) target.length += 1;
  const AcceptOutcome outcome = judged(ws, signed_by(all, ws.acme), {{kApp, kBuild}, {other, "more"}});
  EXPECT_EQ(outcome.wrong.size(), 2U) << testing::PrintToString(outcome.wrong);
}

TEST_F(SupplierBins, SayWhichImagesTheyDrop) {
  publish(ws, {{kApp, kBuild}});
  Metadata dropping = next_of(ws, {{kApp, "another build"}}, false, 2);
  ASSERT_EQ(dropping.size(), 1U);
  dropping.front().targets.targets.clear();
  const auto outcome = judged(ws, signed_by(dropping, ws.acme), {});
  ASSERT_EQ(outcome.state, SubmissionState::Accepted) << testing::PrintToString(outcome.wrong);
  EXPECT_EQ(outcome.gone, std::vector<std::string>{"it no longer lists " + kApp});
  EXPECT_FALSE(ws.find(kApp));
}

TEST(SuppliersWithoutBins, HandInNone) {
  const SupplierWorkspace ws;
  ws.take_in();
  const auto targets = SupplierWorkspace::next(SupplierWorkspace::release(kApp, kBuild));
  Metadata all{{{}, targets, {}},
               {{RoleName("acme-0")}, repository::empty_bin(Version(1), targets.expires), {}}};
  const AcceptOutcome outcome = judged(ws, signed_by(all, ws.acme), {{kApp, kBuild}});
  ASSERT_EQ(outcome.wrong.size(), 1U) << testing::PrintToString(outcome.wrong);
  EXPECT_NE(outcome.wrong.front().find("was taken in without hashed bins"), std::string::npos);
  all.erase(all.begin());
  EXPECT_EQ(judged(ws, signed_by(all, ws.acme), {}).state, SubmissionState::Refused);
}

// How many there are.

TEST(SuppliersWithBins, KeepTheirNumberFromTheDayTheyAreTakenIn) {
  const SupplierWorkspace ws;
  const auto added = add_supplier(ws.workspace(), ws.supplier(in_bins()), kNow);
  ASSERT_TRUE(added) << explain(added.error());
  ASSERT_EQ(added->summary.size(), 1U);
  EXPECT_NE(added->summary.front().find("in 4 hashed bins"), std::string::npos);
  const auto set = ws.read().value();
  EXPECT_EQ(ceremony::agreed_bits((*set.targets())->delegations->roles.front()), kBits);
  operations::SupplierPolicy other = in_bins();
  other.bit_length = kBits + 1;
  const auto again = add_supplier(ws.workspace(), ws.supplier(other), kNow);
  ASSERT_FALSE(again);
  EXPECT_TRUE(is_fault(again.error(), Fault::Kind::Conflict)) << explain(again.error());
  operations::SupplierPolicy silent;
  silent.needs_sbom = true;
  const auto changed = add_supplier(ws.workspace(), ws.supplier(silent), kNow);
  ASSERT_TRUE(changed) << explain(changed.error());
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  const auto kept = storage::SupplierStore(db).find(kAcme).value();
  EXPECT_EQ(kept->policy.bit_length, kBits);
  EXPECT_TRUE(kept->policy.needs_sbom);
}

TEST(SupplierPolicy, SaysHowManyBinsThereAreAndNoMoreThanASubmissionHolds) {
  json::Object kept = in_bins().encode();
  EXPECT_EQ(operations::SupplierPolicy::decode(kept)->bit_length, kBits);
  kept.set("bit_length", std::uint64_t{operations::kMostSupplierBits} + 1);
  EXPECT_FALSE(operations::SupplierPolicy::decode(kept));
  kept.erase("bit_length");
  EXPECT_EQ(operations::SupplierPolicy::decode(kept)->bit_length, 0U);
}

TEST(SuppliersWithBins, AreTakenInWithNoMoreThanTheyCanSignAndWithNobodyBelow) {
  const SupplierWorkspace ws;
  operations::SupplierPolicy policy = in_bins();
  policy.may_delegate = true;
  EXPECT_TRUE(is_fault(add_supplier(ws.workspace(), ws.supplier(policy), kNow).error(), Fault::Kind::Usage));
  policy = in_bins();
  policy.bit_length = operations::kMostSupplierBits + 1;
  EXPECT_TRUE(is_fault(add_supplier(ws.workspace(), ws.supplier(policy), kNow).error(), Fault::Kind::Usage));
  AddSupplierRequest long_name = ws.supplier(in_bins());
  long_name.plan.name = RoleName(std::string(63, 'a'));
  EXPECT_TRUE(is_fault(add_supplier(ws.workspace(), long_name, kNow).error(), Fault::Kind::Usage));
  ws.take_in();
  EXPECT_TRUE(
      is_fault(add_supplier(ws.workspace(), ws.supplier(in_bins()), kNow).error(), Fault::Kind::Conflict))
      << "it was taken in without";
}

TEST(SuppliersWithBins, ShareNoNameWithAnother) {
  const auto named_like_a_bin = [](const SupplierWorkspace& ws) {
    AddSupplierRequest other = ws.supplier();
    other.plan.name = RoleName("acme-2");
    other.plan.paths = {"acme-2/*/*"};
    other.plan.keys = {ws.sensors[0]->public_key(), ws.sensors[1]->public_key()};
    return add_supplier(ws.workspace(), other, kNow);
  };
  const SupplierWorkspace later;
  ASSERT_TRUE(named_like_a_bin(later));
  const auto split = add_supplier(later.workspace(), later.supplier(in_bins()), kNow);
  ASSERT_FALSE(split);
  EXPECT_TRUE(is_fault(split.error(), Fault::Kind::Conflict)) << explain(split.error());
  const SupplierWorkspace first;
  first.take_in(in_bins());  // and has handed nothing in yet
  const auto named = named_like_a_bin(first);
  ASSERT_FALSE(named);
  EXPECT_TRUE(is_fault(named.error(), Fault::Kind::Conflict)) << explain(named.error());
}

TEST(BinNames, AreThoseThatARoleMayEverGive) {
  for (const char* name : {"fw-0", "fw-3fff", "fw-00"})
    EXPECT_TRUE(may_be_bin_of(RoleName(name), RoleName("fw"))) << name;
  for (const char* name : {"fw", "fw-", "fw-00000", "fw-G", "fw-A", "fwx-0", "f-0"})
    EXPECT_FALSE(may_be_bin_of(RoleName(name), RoleName("fw"))) << name;
  EXPECT_EQ(without_bins({RoleName("a"), RoleName("a-0"), RoleName("a-f"), RoleName("b-0"), RoleName("b-f")}),
            (std::set<RoleName>{RoleName("a"), RoleName("b-0"), RoleName("b-f")}));
}

// Keys.

/// The holders let other keys sign for acme.
Result<TargetsOutcome> rekey(const SupplierWorkspace& ws, const std::vector<crypto::PublicKey>& keys) {
  TargetsSigning signing;
  for (const std::size_t place : {0U, 1U}) signing.holders.push_back(ws.keys.targets.at(place).get());
  signing.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
  RepositoryWriter writer = TRY(RepositoryWriter::open(ws.workspace(), kNow));
  const Workspace workspace = ws.workspace();
  auto change = TRY(TargetsChange::begin(workspace, writer, signing));
  model::Targets next = change.listed();
  model::DelegatedRole& entry = next.delegations->roles.front();
  entry.keys.keyids.clear();
  next.delegations->keys.clear();
  for (const crypto::PublicKey& key : keys) {
    entry.keys.keyids.push_back(key.computed_id());
    next.delegations->keys.emplace(key.computed_id(), key);
  }
  return change.finish(std::move(next), "other keys for acme");
}

TEST_F(SupplierBins, FollowTheKeysOfTheirSupplier) {  // IMG-13
  publish(ws, {{kApp, kBuild}});
  const crypto::PublicKey fresh = ws.sensors[0]->public_key();
  const auto rekeyed = rekey(ws, {ws.acme[0]->public_key(), ws.acme[1]->public_key(), fresh});
  ASSERT_TRUE(rekeyed) << explain(rekeyed.error());
  EXPECT_TRUE(ws.find(kApp)) << "what is published stays good";
  const std::string other = elsewhere(kApp);
  Metadata next = next_of(ws, {{other, "more"}});
  ASSERT_EQ(next.size(), 2U)
      << "its own file, which says who signs, and the bin; the others stay signed well";
  EXPECT_TRUE(next.front().roles.empty());
  Metadata bin_alone = next;
  bin_alone.erase(bin_alone.begin());
  expect_wrong(signed_by(bin_alone, ws.acme), "hand in its own metadata", {{other, "more"}});
  const auto outcome = judged(ws, signed_by(next, ws.acme), {{other, "more"}});
  ASSERT_EQ(outcome.state, SubmissionState::Accepted) << testing::PrintToString(outcome.wrong);
  EXPECT_EQ(outcome.notes.size(), 1U) << "whoever accepts reads who signs from now on";
  EXPECT_TRUE(ws.find(kApp));
  EXPECT_TRUE(ws.find(other));
}

TEST_F(SupplierBins, ThatTheNewKeysDidNotSignAreHandedInAnew) {
  publish(ws, {{kApp, kBuild}});
  const auto key = [](const std::shared_ptr<crypto::Signer>& signer) { return signer->public_key(); };
  ASSERT_TRUE(rekey(ws, {key(ws.acme[0]), key(ws.acme[1]), key(ws.sensors[0])}));
  const sim::Keys mixed{ws.acme[0], ws.sensors[0]};
  const auto own = judged(ws, signed_by({next_of(ws, {}).front()}, mixed), {});
  ASSERT_EQ(own.state, SubmissionState::Accepted) << testing::PrintToString(own.wrong);
  // acme-2 goes: its own file is signed by those that stay, its bins are not.
  ASSERT_TRUE(rekey(ws, {key(ws.acme[0]), key(ws.sensors[0])}));
  const Metadata all = next_of(ws, {});
  EXPECT_EQ(all.size(), 3U) << "its own file, the bin with an image, those without";
  expect_wrong(signed_by({all.front()}, mixed), "bins are not signed by enough of the keys", {});
  const auto outcome = judged(ws, signed_by(all, mixed), {});
  ASSERT_EQ(outcome.state, SubmissionState::Accepted) << testing::PrintToString(outcome.wrong);
  EXPECT_TRUE(ws.find(kApp));
}

TEST_F(SupplierBins, AreNoReleaseRolesToGrow) {
  publish(ws, {{kApp, kBuild}});
  GrowRequest request;
  request.role = kAcme;
  request.bit_length = kBits + 1;
  request.confirmed = true;
  for (const std::size_t place : {0U, 1U}) request.holders.push_back(ws.keys.targets.at(place).get());
  request.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
  const auto grown = grow_release_role(ws.workspace(), request, kNow);
  ASSERT_FALSE(grown);
  EXPECT_TRUE(is_fault(grown.error(), Fault::Kind::Conflict)) << explain(grown.error());
  const auto set = ws.read().value();
  EXPECT_EQ(ceremony::agreed_bits((*set.targets())->delegations->roles.front()), kBits);
}

// What vehicles do with bins that the intake never saw: whoever has the online keys may publish anything.

void publish_unjudged(const SupplierWorkspace& ws, const SubmissionBundle::Metadata& file) {
  RepositoryWriter writer = RepositoryWriter::open(ws.workspace(), kNow).value();
  repository::Batch batch(writer.layout());
  RepositoryWriter::DelegatedBins bins;
  bins.of = kAcme;
  bins.version = file.targets.version;
  bins.canonical = file.canonical();
  bins.files.push_back({file.roles, file.wire()});
  const auto published = writer.publish_bins(bins, {}, batch, ws.keys.online());
  ASSERT_TRUE(published) << explain(published.error());
}

TEST_F(SupplierBins, AreRefusedByVehiclesWhereOtherKeysSignedThem) {  // VER-33
  publish(ws, {{kApp, kBuild}});
  Metadata next = next_of(ws, {{kApp, "another build"}}, false, 2);
  ASSERT_EQ(next.size(), 1U);
  publish_unjudged(ws, signed_by(next, ws.sensors).front());
  const auto found = ws.find(kApp);
  ASSERT_FALSE(found);
  const Rejection* rejection = rejection_in(found.error());
  ASSERT_NE(rejection, nullptr) << explain(found.error());
  EXPECT_EQ(rejection->rule, RuleId::ThresholdNotMet);
}

TEST_F(SupplierBins, AreNotAskedForImagesOfAnother) {
  publish(ws, {{kApp, kBuild}});
  const std::string other = elsewhere(kApp);
  Metadata moved = next_of(ws, {{other, "more"}});
  ASSERT_EQ(moved.size(), 1U);
  moved.front().roles = {bin_of(kApp)};
  publish_unjudged(ws, signed_by(moved, ws.acme).front());
  for (const std::string& name : {other, kApp}) {
    const auto found = ws.find(name);
    ASSERT_FALSE(found) << name;
    const Rejection* rejection = rejection_in(found.error());
    ASSERT_NE(rejection, nullptr) << explain(found.error());
    EXPECT_EQ(rejection->rule, RuleId::TargetNotFound) << name;
  }
}

// What a mirror without any key may put where a supplier's file lies: the supplier signs away from here, and
// may have signed more than the intake saw.

void serve(const SupplierWorkspace& ws, const RoleName& role, ByteView bytes) {
  const std::filesystem::path file = ws.layout().metadata(role, version_of(ws, role));
  ASSERT_TRUE(std::filesystem::remove(file)) << file;  // other names may lead to the same bytes
  ASSERT_TRUE(host::write_atomically(file, bytes));
}

RuleId refused_as(const Result<trust::Found>& found) {
  const Rejection* rejection = found ? nullptr : rejection_in(found.error());
  EXPECT_NE(rejection, nullptr) << (found ? "found" : explain(found.error()));
  return rejection == nullptr ? RuleId::TargetNotFound : rejection->rule;
}

TEST_F(SupplierBins, AreNotTakenForTheirSuppliersOwnFile) {  // VER-32
  publish(ws, {{kApp, kBuild}});
  publish(ws, {{kApp, "the next build"}}, 2);
  const auto old_bin = host::read_file(ws.layout().metadata(bin_of(kApp), Version(1)), 64 * 1024);
  ASSERT_TRUE(old_bin) << explain(old_bin.error());
  ASSERT_EQ(version_of(ws, kAcme), Version(1));
  ASSERT_EQ(version_of(ws, bin_of(kApp)), Version(2));
  serve(ws, kAcme, *old_bin);
  const std::set<RuleId> good{RuleId::FileTooLarge, RuleId::TargetsLengthWrong, RuleId::TargetsHashWrong};
  EXPECT_TRUE(good.contains(refused_as(ws.find(kApp)))) << "which was superseded, and has acme's signatures";
}

TEST_F(SupplierBins, AreThoseThatWereAcceptedWhateverElseTheirSupplierSigned) {  // VER-32
  publish(ws, {{kApp, kBuild}});
  Metadata other = next_of(ws, {{kApp, "THE BUILD"}});
  ASSERT_EQ(other.size(), 1U);
  other.front().targets.version = version_of(ws, bin_of(kApp));
  serve(ws, bin_of(kApp), signed_by(other, ws.acme).front().wire());
  EXPECT_EQ(refused_as(ws.find(kApp)), RuleId::TargetsHashWrong);
}

// Published whole, told of, and gone.

TEST(SupplierBinsKilled, AreAllPublishedOrNoneAndSayingYesAgainFinishesIt) {  // IMG-17
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    const SupplierWorkspace ws(memory.path() / "ws");
    ws.take_in(in_bins());
    const std::string other = elsewhere(kApp);
    const Images images{{kApp, kBuild}, {other, "more"}};
    const std::string id = waiting(ws, signed_by(next_of(ws, images), ws.acme), images);
    const sim::Death death = sim::run_until_step(step, [&] { return ws.accept(id).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    const bool is_there = ws.find(kApp).has_value();
    EXPECT_EQ(ws.find(other).has_value(), is_there);
    EXPECT_EQ(ws.read()->listed(kAcme).has_value(), is_there);
    const auto again = ws.accept(id);
    if (again) {
      EXPECT_EQ(again->state, SubmissionState::Accepted) << testing::PrintToString(again->wrong);
    } else {
      EXPECT_TRUE(is_fault(again.error(), Fault::Kind::Conflict)) << explain(again.error());  // done before
    }
    EXPECT_TRUE(ws.find(kApp));
    EXPECT_TRUE(ws.find(other));
    expect_healthy(ws);
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 20U);
}

TEST_F(SupplierBins, AreTracedToWhoHandedThemIn) {
  publish(ws, {{kApp, kBuild}});
  publish(ws, {{elsewhere(kApp), "more"}});
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  const auto told = trace_in(ws.workspace(), db, trace_query(kApp).value());
  ASSERT_TRUE(told) << explain(told.error());
  EXPECT_TRUE(told->problems.empty()) << testing::PrintToString(told->problems);
  EXPECT_TRUE(told->unread.empty()) << testing::PrintToString(told->unread);
  ASSERT_EQ(told->artifacts.size(), 1U);
  const Traced& artifact = told->artifacts.front();
  EXPECT_EQ(artifact.handed_in.size(), 1U);
  ASSERT_EQ(artifact.published.size(), 1U);
  const Listing& listing = artifact.published.front().first;
  EXPECT_EQ(listing.role, bin_of(kApp));
  EXPECT_EQ(listing.release_role, kAcme);
  EXPECT_EQ(listing.keyids.size(), 2U);
  ASSERT_EQ(listing.delegated_by.size(), 2U);
  EXPECT_EQ(listing.delegated_by.back().role, kAcme);
}

TEST_F(SupplierBins, AreTracedByTheirMetadataWhereAnEntryHasNoRoomForAllImages) {
  Images many;
  for (int number = 0; number < 400; ++number) {
    const std::string text = std::to_string(number);
    many["acme/ecu/" + std::string(60, 'n') + text] = "build " + text;
  }
  publish(ws, many);
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  for (const auto& [name, content] : {*many.begin(), *many.rbegin()}) {
    const auto told = trace_in(ws.workspace(), db, trace_query(name).value());
    ASSERT_TRUE(told) << explain(told.error());
    ASSERT_EQ(told->artifacts.size(), 1U);
    EXPECT_EQ(told->artifacts.front().handed_in.size(), 1U) << name;
  }
}

TEST_F(SupplierBins, AreForecastByTheFirstToEndAsTheirSuppliersToRenew) {
  publish(ws, {{kApp, kBuild}});
  const std::string other = elsewhere(kApp);
  Metadata next = next_of(ws, {{other, "more"}});
  ASSERT_EQ(next.size(), 1U);
  next.front().targets.expires = kNow + std::chrono::days(10);
  ASSERT_EQ(judged(ws, signed_by(next, ws.acme), {{other, "more"}}).state, SubmissionState::Accepted);
  std::filesystem::create_directory(ws.workspace().keys_dir());
  const auto book = KeyBook::read(ws.workspace());
  ASSERT_TRUE(book) << explain(book.error());
  const auto all = perishables_of(ws.workspace(), *book, kNow);
  ASSERT_TRUE(all) << explain(all.error());
  const auto acme = std::ranges::find(*all, std::string("image/acme"), &Perishable::id);
  ASSERT_NE(acme, all->end());
  EXPECT_EQ(acme->ends, kNow + std::chrono::days(10));
  EXPECT_TRUE(acme->command.starts_with("cotter submit --renew --supplier acme")) << acme->command;
  ASSERT_EQ(acme->quorums.size(), 1U);
  EXPECT_EQ(acme->quorums.front().who, std::vector<std::string>{"acme"});
}

TEST_F(SupplierBins, AreAskedForByTheirSuppliersThreshold) {
  publish(ws, {{kApp, kBuild}});
  repository::FolderTransport folder(ws.repo());
  const auto paths = signing_paths(ws.read().value(), folder, TargetName(kApp), HardwareId("acme-ecu"));
  ASSERT_TRUE(paths) << explain(paths.error());
  ASSERT_EQ(paths->asked.size(), 3U) << "targets, acme and its bin";
  EXPECT_EQ(paths->asked.back().role, bin_of(kApp));
  EXPECT_TRUE(paths->asked.back().lists);
  EXPECT_EQ(paths->asked.back().keys.fewest(), 2U);
}

TEST_F(SupplierBins, AreWhatTwoOfTheirSuppliersKeysReach) {
  publish(ws, {{kApp, kBuild}});
  repository::FolderTransport folder(ws.repo());
  const auto director = DirectorRoots::read(ws.workspace().director_dir());
  ASSERT_TRUE(director) << explain(director.error());
  const auto reach_of = [&](std::initializer_list<std::size_t> places) {
    std::set<std::string> held;
    for (const std::size_t place : places) held.insert(ws.acme.at(place)->public_key().material());
    return blast_radius(held, ws.read().value(), folder, *director->newest(), nullptr).value();
  };
  const BlastRadius two = reach_of({1, 2});
  EXPECT_EQ(two.grips.size(), 2U) << "of its own file, and of its bins";
  ASSERT_EQ(two.effects.size(), 1U);
  EXPECT_EQ(two.effects.front().power, Power::SignImages);
  ASSERT_EQ(two.effects.front().scopes.size(), 1U);
  const ImageScope& scope = two.effects.front().scopes.front();
  EXPECT_EQ(scope.paths, (std::vector<std::vector<std::string>>{{"acme/*/*"}}));
  EXPECT_EQ(scope.hardware, std::vector{HardwareId("acme-ecu")});
  EXPECT_TRUE(reach_of({1}).effects.empty());
}

using Ceremony = test::RootCeremonyIn<SupplierWorkspace>;

std::vector<std::string> files_of_acme(const std::filesystem::path& dir) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    if (name.find(".acme") != std::string::npos) names.push_back(name);
  }
  return names;
}

/// With ECUs of acme's.
void add_vehicle(host::Db& db, const VehicleId& vin) {
  inventory::VehicleRecord record = test::factory_record(vin.value());
  for (inventory::EcuRecord& ecu : record.ecus) ecu.hardware_id = HardwareId("acme-ecu");
  const std::string text = json::to_text(record.encode());
  ASSERT_TRUE(register_vehicle(db, as_bytes(text), kNow));
}

TEST(SuppliersWithBins, KeepTheirVersionWhereTheFleetCouldNotFollow) {
  SupplierWorkspace ws;
  for (auto& key : ws.acme) key = sim::new_ecdsa_key();
  ws.take_in(in_bins());
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  add_vehicle(db, VehicleId("VIN-1"));
  const HardwareId ecu("acme-ecu");
  const inventory::Abilities no_snapshot{std::set{crypto::Scheme::EcdsaP256}, {}, {}, {}};
  ASSERT_TRUE(note_abilities(db, ecu, no_snapshot, kNow));
  const Images images{{kApp, kBuild}};
  const auto refused = ws.accept(waiting(ws, signed_by(next_of(ws, images), ws.acme), images));
  ASSERT_FALSE(refused);
  EXPECT_NE(explain(refused.error()).find("cannot verify snapshot"), std::string::npos)
      << explain(refused.error());
  ASSERT_TRUE(note_abilities(db, ecu, {}, kNow));
  publish(ws, {{kApp, "another build"}});
  EXPECT_EQ(version_of(ws, kAcme), Version(1));
}

TEST_F(SupplierBins, AreAssignedToNobodyFromTheDayTheirSupplierIsRemoved) {  // IMG-13
  publish(ws, {{kApp, kBuild}});
  host::Db db = storage::open_database(ws.workspace().db_path()).value();
  const VehicleId vin("VIN-1");
  add_vehicle(db, vin);
  RemoveSupplierRequest request;
  request.name = kAcme;
  request.holders.push_back(ws.keys.targets.front().get());  // one of two: its images are there still
  request.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
  ASSERT_EQ(remove_supplier(ws.workspace(), request, kNow)->state, TargetsOutcome::State::Awaiting);
  ASSERT_TRUE(ws.find(kApp));
  const auto assigned = assign(db, ws.repo(), vin, EcuSerial("BRAKE"), TargetName(kApp), kNow);
  ASSERT_FALSE(assigned);
  EXPECT_TRUE(is_fault(assigned.error(), Fault::Kind::Conflict)) << explain(assigned.error());
}

TEST(SuppliersWithBins, TakeThemAlongWhenTheyGo) {  // IMG-13
  Ceremony at;
  at.ws.take_in(in_bins());
  publish(at.ws, {{kApp, kBuild}});
  publish(at.ws, {{elsewhere(kApp), "more"}});
  const auto image = at.ws.layout().image(TargetName(kApp), to_hex(crypto::sha256(as_bytes(kBuild))));
  ASSERT_TRUE(std::filesystem::exists(image));

  RemoveSupplierRequest request;
  request.name = kAcme;
  for (const std::size_t place : {0U, 2U}) request.holders.push_back(at.ws.keys.targets.at(place).get());
  request.online = [&] { return Result<OnlineSigners>(at.ws.keys.online()); };
  const auto removed = remove_supplier(at.ws.workspace(), request, kNow);
  ASSERT_TRUE(removed) << explain(removed.error());
  EXPECT_FALSE(at.ws.find(kApp));
  EXPECT_FALSE(std::filesystem::exists(image));
  EXPECT_TRUE(files_of_acme(at.ws.repo()).empty()) << testing::PrintToString(files_of_acme(at.ws.repo()));
  EXPECT_GE(files_of_acme(at.ws.workspace().removed_dir()).size(), 6U)
      << "its own, four bins, one of them anew";
  EXPECT_TRUE(at.ws.read()->listed(bin_of(kApp))) << "a client would take its absence for a rollback";
  repository::FolderTransport folder(at.ws.repo());
  const auto health = check_repository(folder, kNow, {});
  ASSERT_TRUE(health && health->healthy()) << testing::PrintToString(health->problems);
  const auto of_acme = [](const std::string& line) { return line.find("acme") != std::string::npos; };
  EXPECT_EQ(std::ranges::count_if(health->warnings, of_acme), 1) << testing::PrintToString(health->warnings);

  ceremony::KeyChange change;
  for (const RoleName& role : {model::snapshot_role(), model::timestamp_role()}) {
    const auto& old = role == model::snapshot_role() ? at.ws.keys.snapshot : at.ws.keys.timestamp;
    const auto key = sim::key("new-" + role.value());
    change.add.push_back({role, key->public_key()});
    change.remove.push_back({role, old.front()->public_key().computed_id()});
    at.online.put("image-" + role.value() + "-2", key);
  }
  const auto opened = at.open(change);
  ASSERT_TRUE(opened) << explain(opened.error());
  const auto closed = at.close({at.signed_copy(*opened, sim::pick(at.ws.keys.root, {0, 1}))});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(closed->versions->dropped, (std::set<RoleName>{kAcme}));
  EXPECT_FALSE(at.ws.read()->listed(kAcme));
  EXPECT_FALSE(at.ws.read()->listed(bin_of(kApp)));
}

}  // namespace
}  // namespace cotter::app
