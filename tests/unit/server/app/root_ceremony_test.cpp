#include "server/app/root_ceremony.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "server/app/abilities.h"
#include "server/app/check_repository.h"
#include "server/app/director_roots.h"
#include "server/app/listed_signers.h"
#include "server/app/open_due.h"
#include "server/app/renew_repository.h"
#include "server/app/sign_metadata.h"
#include "server/app/targets_ceremony.h"
#include "server/director/director_metadata.h"
#include "server/repository/folder_transport.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/director_store.h"
#include "server/storage/sqlite/inventory_store.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/openssl_key.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/root_ceremony.h"

namespace cotter::app {
namespace {

using test::kNow;

using test::swap;

class RootCeremonyAt : public test::RootCeremonyIn<test::TestWorkspace> {
 public:
  using RootCeremonyIn::RootCeremonyIn;
  /// Two vehicles, each with a gateway, a brake and a door.
  void put_a_fleet_on_the_road() const {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    storage::InventoryStore inventory(db);
    EXPECT_TRUE(inventory.add(test::factory_record("VIN-1", "A-", 1), kNow));
    EXPECT_TRUE(inventory.add(test::factory_record("VIN-2", "B-", 11), kNow));
  }
  void note_of_brakes(std::optional<std::set<crypto::Scheme>> schemes) const {
    host::Db db = storage::open_database(ws.workspace().db_path()).value();
    EXPECT_TRUE(note_abilities(db, test::factory_record("VIN-1").ecus.at(1).hardware_id,
                               {std::move(schemes), {}, {}, {}}, kNow));
  }
};

bool has_ceremony(const std::vector<std::string>& kinds) {
  return std::ranges::find(kinds, ledger::kCeremony) != kinds.end();
}

class RootCeremony : public testing::Test, public RootCeremonyAt {};

TEST_F(RootCeremony, RenewsARootThatNearsItsEnd) {
  const auto opened = open({});
  ASSERT_TRUE(opened) << explain(opened.error());
  const auto closed = close({signed_copy(*opened, sim::pick(ws.keys.root, {0, 2}))});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(closed->state, ClosedRoot::State::Published);
  EXPECT_EQ(root_version(), Version(2));
  EXPECT_TRUE(ws.bundles().empty());
}

TEST_F(RootCeremony, GathersSignaturesFromCopiesInAnyOrder) {  // IMG-18
  const auto opened = open(swap(model::root_role(), *ws.keys.root[0], *sim::key("image-root-4")));
  ASSERT_TRUE(opened);
  const auto first = close({signed_copy(*opened, {sim::key("image-root-4")})});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->state, ClosedRoot::State::AwaitingSignatures);
  EXPECT_EQ(root_version(), Version(1));
  const auto second =
      close({signed_copy(*opened, {ws.keys.root[2]}), signed_copy(*opened, {ws.keys.root[1]})});
  ASSERT_TRUE(second) << explain(second.error());
  EXPECT_EQ(second->state, ClosedRoot::State::Published);
  EXPECT_EQ(root_version(), Version(2));
}

ceremony::OfflineBundle spoilt(ceremony::OfflineBundle copy) {
  for (crypto::Signature& signature : copy.signatures) signature.bytes.front() ^= 1U;
  return copy;
}

TEST_F(RootCeremony, LosesNoGoodSignatureToASpoiltCopy) {  // IMG-18
  const auto opened = open({});
  const auto good = signed_copy(*opened, {ws.keys.root[0]});
  const auto other = signed_copy(*opened, {ws.keys.root[1]});
  ASSERT_TRUE(close({spoilt(good), good}));
  ASSERT_TRUE(close({spoilt(good)}));
  const auto closed = close({spoilt(good), other, spoilt(other)});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(closed->state, ClosedRoot::State::Published);
  EXPECT_EQ(root_version(), Version(2));
}

// What lies in pending/ is written by whoever signs it there.
TEST_F(RootCeremony, TakesAGoodSignatureForASpoiltOneThatWasThereFirst) {  // IMG-18
  const auto opened = open({});
  const auto good = signed_copy(*opened, {ws.keys.root[0]});
  ASSERT_TRUE(spoilt(good).write(ws.pending()));
  ASSERT_TRUE(close({good}));
  EXPECT_EQ(ledger_kinds(), (std::vector<std::string>{"draft", "signature"}));
  const auto closed = close({signed_copy(*opened, {ws.keys.root[1]})});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(closed->state, ClosedRoot::State::Published);
}

TEST_F(RootCeremony, TellsTheLedgerOfEachStep) {
  const auto opened = open({});
  ASSERT_TRUE(close({signed_copy(*opened, {ws.keys.root[0]})}));
  ASSERT_TRUE(close({signed_copy(*opened, {ws.keys.root[1]})}));
  EXPECT_EQ(ledger_kinds(),
            (std::vector<std::string>{"draft", "signature", "signature", "ceremony", "publication"}));
}

TEST_F(RootCeremony, IsOneAtATimeUnlessItIsReplaced) {
  const auto opened = open({});
  const auto copy = signed_copy(*opened, sim::pick(ws.keys.root, {0, 1}));
  const ceremony::KeyChange other = swap(model::root_role(), *ws.keys.root[0], *sim::key("image-root-4"));
  const auto second = open(other);
  ASSERT_FALSE(second);
  EXPECT_TRUE(is_fault(second.error(), Fault::Kind::Conflict));
  ASSERT_TRUE(open(other, true));
  const auto closed = close({copy});
  ASSERT_FALSE(closed) << "a copy of the ceremony that was given up";
  EXPECT_TRUE(is_fault(closed.error(), Fault::Kind::Conflict));
}

TEST_F(RootCeremony, RefusesABundleOnTheWrongBase) {
  const auto opened = open({});
  const auto stale = signed_copy(*opened, sim::pick(ws.keys.root, {0, 1}));
  ASSERT_TRUE(close({stale}));
  ASSERT_TRUE(stale.write(ws.pending()));
  EXPECT_TRUE(close({})) << "the very same root is published: the bundle is spent";
  EXPECT_TRUE(ws.bundles().empty());
  ASSERT_TRUE(open(swap(model::root_role(), *ws.keys.root[0], *sim::key("image-root-4"))));
  const auto refused = close({stale});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Conflict));
  EXPECT_EQ(root_version(), Version(2));
}

TEST_F(RootCeremony, RefusesAnotherRootWhereOneWasPublishedMeanwhile) {
  const auto mine = open(swap(model::root_role(), *ws.keys.root[0], *sim::key("image-root-4")));
  const auto signed_mine = signed_copy(*mine, {ws.keys.root[1], ws.keys.root[2]});
  const auto theirs = open({}, true);
  ASSERT_TRUE(close({signed_copy(*theirs, sim::pick(ws.keys.root, {0, 1}))}));
  ASSERT_TRUE(signed_mine.write(ws.pending()));
  const auto refused = close({});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Conflict)) << explain(refused.error());
}

TEST_F(RootCeremony, SignsSnapshotAndTimestampByTheKeysThatTheNewRootLists) {
  ceremony::KeyChange change =
      swap(model::timestamp_role(), *ws.keys.timestamp[0], *sim::key("new-timestamp"));
  change.add.push_back({model::snapshot_role(), sim::key("new-snapshot")->public_key()});
  change.remove.push_back({model::snapshot_role(), ws.keys.snapshot[0]->public_key().computed_id()});
  const auto opened = open(change);
  const auto copy = signed_copy(*opened, sim::pick(ws.keys.root, {0, 1}));
  const auto without_key = close({copy});
  ASSERT_FALSE(without_key);
  EXPECT_TRUE(is_fault(without_key.error(), Fault::Kind::Denied));
  EXPECT_EQ(root_version(), Version(1)) << "clients see the old state";
  online.put("image-snapshot-2", sim::key("new-snapshot"));
  online.put("image-timestamp-2", sim::key("new-timestamp"));
  const auto closed = close({});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(root_version(), Version(2));
  EXPECT_EQ(test::verdict(ws.read()), "accepted");
}

TEST_F(RootCeremony, HasTheImageListSignedAnewWhereItsKeysGo) {
  put_a_fleet_on_the_road();
  ASSERT_TRUE(ws.publish("a", "image a", {0, 1}));
  const auto new_key = sim::key("image-targets-4");
  const auto opened = open(swap(model::targets_role(), *ws.keys.targets[0], *new_key));
  const auto waiting = close({signed_copy(*opened, sim::pick(ws.keys.root, {0, 1}))});
  ASSERT_TRUE(waiting) << explain(waiting.error());
  ASSERT_EQ(waiting->state, ClosedRoot::State::AwaitingTargets);
  EXPECT_EQ(root_version(), Version(1));
  const auto publication = ws.publish("b", "image b");
  ASSERT_FALSE(publication) << "it would spoil what waits";
  EXPECT_TRUE(is_fault(publication.error(), Fault::Kind::Conflict)) << explain(publication.error());
  const auto copy = signed_copy(waiting->waiting, {new_key, ws.keys.targets[1]});
  const auto closed = close({copy});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(closed->state, ClosedRoot::State::Published);
  EXPECT_EQ(root_version(), Version(2));
  EXPECT_TRUE((*ws.read()->targets())->targets.contains(TargetName("a")));
  EXPECT_TRUE(ws.bundles().empty());
  EXPECT_EQ(std::ranges::count(ledger_kinds(), std::string("ceremony")), 3)
      << "of the image, the root and the list";
}

// Of its signers none is in the root that is published: the fleet is asked by the next one.
TEST_F(RootCeremony, ChangesAllKeysOfTheImageRepositoryAtOnceUnderAFleet) {
  put_a_fleet_on_the_road();
  ASSERT_TRUE(ws.publish("a", "image a", {0, 1}));
  const sim::Keys holders{sim::key("image-targets-4"), sim::key("image-targets-5")};
  ceremony::KeyChange change =
      swap(model::timestamp_role(), *ws.keys.timestamp[0], *sim::key("new-timestamp"));
  change.add.push_back({model::snapshot_role(), sim::key("new-snapshot")->public_key()});
  change.remove.push_back({model::snapshot_role(), ws.keys.snapshot[0]->public_key().computed_id()});
  for (const std::size_t place : {0U, 1U}) {
    change.add.push_back({model::targets_role(), holders[place]->public_key()});
    change.remove.push_back({model::targets_role(), ws.keys.targets[place]->public_key().computed_id()});
  }
  online.put("image-snapshot-2", sim::key("new-snapshot"));
  online.put("image-timestamp-2", sim::key("new-timestamp"));
  const auto waiting = close({signed_copy(*open(change), sim::pick(ws.keys.root, {0, 1}))});
  ASSERT_TRUE(waiting) << explain(waiting.error());
  ASSERT_EQ(waiting->state, ClosedRoot::State::AwaitingTargets);
  const auto closed = close({signed_copy(waiting->waiting, holders)});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(closed->state, ClosedRoot::State::Published);
  EXPECT_TRUE((*ws.read()->targets())->targets.contains(TargetName("a")));
}

TEST_F(RootCeremony, AsksTheFleetByTheSignaturesThatThereAre) {
  put_a_fleet_on_the_road();
  const auto of_p256 = sim::new_ecdsa_key();
  ceremony::KeyChange more;
  more.add.push_back({model::root_role(), of_p256->public_key()});
  ASSERT_TRUE(close({signed_copy(*open(more), sim::pick(ws.keys.root, {0, 1}))}));
  note_of_brakes(std::set{crypto::Scheme::Ed25519});
  const auto opened = open({});
  ASSERT_TRUE(opened) << "three of four keys are ed25519: " << explain(opened.error());
  const auto refused = close({signed_copy(*opened, {ws.keys.root[0], of_p256})});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
  EXPECT_NE(explain(refused.error())
                .find("brake-mk4 (2 ECUs in 2 vehicles) cannot verify root of the image repository: it knows "
                      "ed25519, which 1 of the 2 keys are, and 2 must sign"),
            std::string::npos)
      << explain(refused.error());
  EXPECT_EQ(root_version(), Version(2));
  const auto closed = close({signed_copy(*opened, {ws.keys.root[2]})});
  ASSERT_TRUE(closed) << "one more signature heals it: " << explain(closed.error());
  EXPECT_EQ(root_version(), Version(3));
}

TEST_F(RootCeremony, AsksTheFleetByTheSignaturesOfTheOldKeysToo) {
  put_a_fleet_on_the_road();
  const auto of_p256 = sim::new_ecdsa_key();
  ceremony::KeyChange more;
  more.add.push_back({model::root_role(), of_p256->public_key()});
  ASSERT_TRUE(close({signed_copy(*open(more), sim::pick(ws.keys.root, {0, 1}))}));
  note_of_brakes(std::set{crypto::Scheme::Ed25519});
  const auto opened = open(swap(model::root_role(), *of_p256, *sim::key("image-root-4")));
  const auto refused = close({signed_copy(*opened, {ws.keys.root[0], of_p256, sim::key("image-root-4")})});
  ASSERT_FALSE(refused) << "of the old keys a brake sees one signature";
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied)) << explain(refused.error());
  EXPECT_TRUE(close({signed_copy(*opened, {ws.keys.root[2]})})) << "one more signature heals it";
  EXPECT_EQ(root_version(), Version(3));
}

TEST_F(RootCeremony, GivesUpKeysThatAGenerationNeverKnew) {
  sim::Keys of_p256;
  ceremony::KeyChange away;
  for (const auto& old : ws.keys.root) {
    of_p256.push_back(sim::new_ecdsa_key());
    away.add.push_back({model::root_role(), of_p256.back()->public_key()});
    away.remove.push_back({model::root_role(), old->public_key().computed_id()});
  }
  ceremony::KeyChange back;
  for (const auto& added : away.add) back.remove.push_back({added.role, added.key.computed_id()});
  for (const auto& old : ws.keys.root) back.add.push_back({model::root_role(), old->public_key()});
  sim::Keys all = ws.keys.root;
  all.insert(all.end(), of_p256.begin(), of_p256.end());
  ASSERT_TRUE(close({signed_copy(*open(away), all)}));
  put_a_fleet_on_the_road();
  note_of_brakes(std::set{crypto::Scheme::Ed25519});
  const auto closed = close({signed_copy(*open(back), all)});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(root_version(), Version(3));
}

TEST_F(RootCeremony, PublishesNothingThatAVehicleWouldRefuse) {
  const auto copy = signed_copy(*open_for_ten_days(), sim::pick(ws.keys.root, {0, 1}));
  EXPECT_EQ(test::verdict(close({copy}, kNow + std::chrono::days(11))), "root-expired");
  EXPECT_EQ(root_version(), Version(1));
  EXPECT_FALSE(has_ceremony(ledger_kinds())) << "it was not closed";
}

TEST_F(RootCeremony, GivesAChangeThatWaitsToTheKeysOfTheNewRoot) {
  ASSERT_TRUE(ws.publish("a", "image a", {0}));
  const auto new_key = sim::key("image-targets-4");
  ceremony::KeyChange more;
  more.add.push_back({model::targets_role(), new_key->public_key()});
  const auto opened = open(more);
  const auto closed = close({signed_copy(*opened, sim::pick(ws.keys.root, {0, 1}))});
  ASSERT_TRUE(closed) << explain(closed.error());
  TargetsSigning signing;
  signing.holders = {new_key.get()};
  signing.online = [this] { return Result<OnlineSigners>(ws.keys.online()); };
  const auto outcome = close_targets_ceremony(ws.workspace(), signing, {}, kNow);
  ASSERT_TRUE(outcome) << explain(outcome.error());
  EXPECT_EQ(outcome->state, TargetsOutcome::State::Published) << "one old key and the new one";
}

TEST_F(RootCeremony, IsNotClosedWhereNoneIsOpen) {
  EXPECT_TRUE(is_fault(close({}).error(), Fault::Kind::NotFound));
}

class TargetsCeremony : public testing::Test, public RootCeremonyAt {
 protected:
  Result<TargetsOutcome> renew() {
    return open_targets_ceremony(ws.workspace(), signing(), {}, kNow + std::chrono::days(30));
  }
  TargetsSigning signing() {
    TargetsSigning signing;
    signing.online = [this] { return Result<OnlineSigners>(ws.keys.online()); };
    return signing;
  }
  [[nodiscard]] ceremony::OfflineBundle copy_of(const TargetsOutcome& outcome, const sim::Keys& keys) const {
    auto bundle = ceremony::OfflineBundle::read(outcome.bundle).value();
    return signed_copy({outcome.bundle, bundle, {}}, keys);
  }
};

TEST_F(TargetsCeremony, RenewsTheListAsItIs) {
  ASSERT_TRUE(ws.publish("a", "image a"));
  const auto before = (*ws.read()->targets())->expires;
  const auto waiting = renew();
  ASSERT_TRUE(waiting) << explain(waiting.error());
  ASSERT_EQ(waiting->state, TargetsOutcome::State::Awaiting);
  const auto one = copy_of(*waiting, {ws.keys.targets[0]});
  const auto other = copy_of(*waiting, {ws.keys.targets[2]});
  const auto closed =
      close_targets_ceremony(ws.workspace(), signing(), {one, other}, kNow + std::chrono::days(31));
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(closed->state, TargetsOutcome::State::Published);
  EXPECT_GT((*ws.read(kNow + std::chrono::days(31))->targets())->expires, before);
}

TEST_F(TargetsCeremony, TakesNoSignatureThatDoesNotCount) {
  const auto waiting = renew();
  auto copy = copy_of(*waiting, {ws.keys.targets[0]});
  copy.signatures.front().keyid = ws.keys.targets[1]->public_key().computed_id();
  const auto closed = close_targets_ceremony(ws.workspace(), signing(), {copy}, kNow);
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(closed->signatures, 0U);
}

TEST_F(TargetsCeremony, LosesNoGoodSignatureToASpoiltCopy) {  // IMG-18
  const auto waiting = renew();
  const auto good = copy_of(*waiting, {ws.keys.targets[0]});
  const auto other = copy_of(*waiting, {ws.keys.targets[2]});
  const auto close = [&](const std::vector<ceremony::OfflineBundle>& copies) {
    const auto closed = close_targets_ceremony(ws.workspace(), signing(), copies, kNow);
    EXPECT_TRUE(closed) << explain(closed.error());
    return closed.value_or(TargetsOutcome());
  };
  EXPECT_EQ(close({spoilt(good), good}).signatures, 1U);
  EXPECT_EQ(close({good, spoilt(good)}).signatures, 1U);
  EXPECT_EQ(close({spoilt(good)}).signatures, 1U) << "what waits in pending/ has it still";
  EXPECT_EQ(close({other, spoilt(other)}).state, TargetsOutcome::State::Published);
  EXPECT_EQ(ledger_kinds(),
            (std::vector<std::string>{"draft", "signature", "signature", "ceremony", "publication"}));
}

TEST_F(TargetsCeremony, RefusesACopyOfAnotherChange) {
  const auto first = renew();
  const auto copy = copy_of(*first, sim::pick(ws.keys.targets, {0, 1}));
  ASSERT_TRUE(ws.publish("a", "image a", {}));
  const auto closed = close_targets_ceremony(ws.workspace(), signing(), {copy}, kNow);
  ASSERT_FALSE(closed);
  EXPECT_TRUE(is_fault(closed.error(), Fault::Kind::Conflict));
}

/// With a director beside the image repository.
class BesideADirector : public testing::Test, public RootCeremonyAt {
 protected:
  BesideADirector() {
    const auto dir = ws.workspace().director_dir();
    std::filesystem::create_directories(dir);
    const repository::FirstKeys keys{test::signers(director, 2), test::signers(online_of_director, 1),
                                     test::signers(online_of_director, 1),
                                     test::signers(online_of_director, 1)};
    const auto root = repository::make_director_root(keys, std::chrono::days(365), kNow);
    EXPECT_TRUE(root && repository::write_file(repository::Layout(dir), *root));
    for (const char* name : {"director-targets", "director-snapshot", "director-timestamp"})
      online.put(name, online_of_director.front());
  }
  sim::Keys director = sim::keys("director-root", 3);
  sim::Keys online_of_director = sim::keys("director-online", 1);  // one for all three roles
};

class DirectorCeremony : public BesideADirector {
 protected:
  DirectorCeremony() { repository = Repository::Director; }
  [[nodiscard]] bool is_published(const std::string& root) const {
    return std::filesystem::exists(ws.workspace().director_dir() / root);
  }
  [[nodiscard]] host::Db database() const { return storage::open_database(ws.workspace().db_path()).value(); }
  [[nodiscard]] DirectorRoots roots() const {
    return DirectorRoots::read(ws.workspace().director_dir()).value();
  }
  [[nodiscard]] inventory::Vehicle vehicle(const std::string& vin) const {
    host::Db db = database();
    return storage::InventoryStore(db).load(VehicleId(vin)).value();
  }
  /// What the vehicle gets at a question.
  inventory::MetadataSet ask(const std::string& vin) {
    host::Db db = database();
    const DirectorRoots known = roots();
    const DirectorSigners signers = director_signers(online, *known.newest()).value();
    return sign_metadata(db, signers, ws.workspace().settings().director, known, vehicle(vin), kNow).value();
  }
  /// A second key for targets, at hand like the first, and both to sign: the director signs with one.
  ceremony::KeyChange two_for_targets() {
    const auto second = sim::key("director-targets-2");
    online.put("director-targets-2", second);
    ceremony::KeyChange change;
    change.add.push_back({model::targets_role(), second->public_key()});
    change.thresholds[model::targets_role()] = 2;
    return change;
  }
  /// Why the change is refused when all have signed, and nothing is published.
  std::string refusal(const ceremony::KeyChange& change) {
    const auto opened = open(change);
    if (!opened) return "not opened: " + explain(opened.error());
    const auto refused = close({signed_copy(*opened, sim::pick(director, {0, 1}))});
    EXPECT_FALSE(is_published("2.root.json"));
    EXPECT_FALSE(has_ceremony(ledger_kinds())) << "it was not closed";
    if (refused) return "closed";
    EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
    return explain(refused.error());
  }
};

TEST_F(DirectorCeremony, IsRefusedWhereTheDirectorCannotMeetAThreshold) {
  put_a_fleet_on_the_road();
  ask("VIN-1");
  const std::string why = refusal(two_for_targets());
  EXPECT_NE(why.find("root 2 of the director would strand 2 vehicles, VIN-1, VIN-2: director/targets: "),
            std::string::npos)
      << why;
}

TEST_F(DirectorCeremony, IsRefusedForVehiclesThatAreToComeWhereThereIsNone) {
  const std::string why = refusal(two_for_targets());
  EXPECT_NE(why.find("root 2 of the director would strand every vehicle that is to come: "),
            std::string::npos)
      << why;
}

TEST_F(DirectorCeremony, IsRefusedWhereTheRootListsAKeyThatTheDirectorDoesNotHave) {
  put_a_fleet_on_the_road();
  const auto elsewhere = sim::key("elsewhere");
  const std::string why = refusal(swap(model::targets_role(), *online_of_director.front(), *elsewhere));
  EXPECT_NE(why.find("would strand 2 vehicles, VIN-1 among them: root 2 of the director does not list key"),
            std::string::npos)
      << why;
  online.put("director-targets-2", elsewhere);
  const auto closed = close({});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_TRUE(is_published("2.root.json"));
}

// It has a newer timestamp than the database counts: a factory-fresh vehicle would take the next one, and it
// would not.
TEST_F(DirectorCeremony, IsPlayedAsTheVehicleThatHasWhatItHas) {
  put_a_fleet_on_the_road();
  for (int question = 0; question < 3; ++question) ask("VIN-1");
  host::Db db = database();
  for (const char* sql :
       {"DELETE FROM director_set WHERE timestamp_version < 3",
        "UPDATE director_set SET timestamp_version = 1, snapshot_version = 1, targets_version = 1",
        "DELETE FROM signed_version WHERE repository = 'director'"}) {
    ASSERT_TRUE(db.run(sql)) << sql;
  }
  const std::string why = refusal({});
  EXPECT_NE(why.find("root 2 of the director would strand 1 vehicle, VIN-1: director/timestamp: "),
            std::string::npos)
      << why;
}

TEST_F(DirectorCeremony, LeavesToVehiclesWhatTheyHave) {
  put_a_fleet_on_the_road();
  const inventory::MetadataSet before = ask("VIN-1");
  const auto next_key = sim::key("director-timestamp-2");
  online.put("director-timestamp-2", next_key);
  const auto opened = open(swap(model::timestamp_role(), *online_of_director.front(), *next_key));
  ASSERT_TRUE(opened) << explain(opened.error());
  const auto closed = close({signed_copy(*opened, sim::pick(director, {0, 1}))});
  ASSERT_TRUE(closed) << explain(closed.error());
  host::Db db = database();
  const auto stored = storage::DirectorStore(db).current(VehicleId("VIN-1")).value();
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->timestamp, before.timestamp);
  EXPECT_FALSE(storage::DirectorStore(db).current(VehicleId("VIN-2")).value());
  EXPECT_EQ(std::ranges::count(ledger_kinds(), std::string("signature")), 2)
      << "what VIN-1 was given, and the holders'";
  const inventory::MetadataSet after = ask("VIN-1");
  EXPECT_EQ(after.timestamp_version, Version(3)) << "the rehearsal signed version 2, which is nobody's";
  const auto taken = director::rehearse(vehicle("VIN-1"), roots().files(), before, after, kNow);
  EXPECT_TRUE(taken) << explain(taken.error());
}

TEST_F(DirectorCeremony, PublishesNothingThatAVehicleWouldRefuse) {
  const auto copy = signed_copy(*open_for_ten_days(), sim::pick(director, {0, 1}));
  EXPECT_EQ(test::verdict(close({copy}, kNow + std::chrono::days(11))), "root-expired");
  EXPECT_FALSE(is_published("2.root.json"));
  EXPECT_FALSE(has_ceremony(ledger_kinds())) << "it was not closed";
  EXPECT_EQ(test::verdict(close({copy}, kNow + std::chrono::days(9))), "accepted");
  EXPECT_TRUE(is_published("2.root.json"));
}

TEST_F(DirectorCeremony, IsRefusedAtItsEndForHardwareThatWasDescribedMeanwhile) {
  put_a_fleet_on_the_road();
  const auto of_p256 = sim::new_ecdsa_key();
  online.put("director-timestamp-2", of_p256);
  const auto opened = open(swap(model::timestamp_role(), *online_of_director.front(), *of_p256));
  ASSERT_TRUE(opened) << explain(opened.error());
  note_of_brakes(std::set{crypto::Scheme::Ed25519});
  const auto copy = signed_copy(*opened, sim::pick(director, {0, 1}));
  const auto refused = close({copy});
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
  EXPECT_NE(explain(refused.error())
                .find("brake-mk4 (2 ECUs in 2 vehicles) cannot verify timestamp of the director: it knows "
                      "ed25519, which 0 of the 1 keys are, and 1 must sign"),
            std::string::npos)
      << explain(refused.error());
  EXPECT_FALSE(is_published("2.root.json"));
  EXPECT_FALSE(has_ceremony(ledger_kinds())) << "it was not closed";
  note_of_brakes(std::nullopt);
  const auto closed = close({});
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_TRUE(is_published("2.root.json"));
  EXPECT_TRUE(has_ceremony(ledger_kinds()));
}

class DueCeremonies : public BesideADirector {
 protected:
  std::vector<std::string> due(UtcTime now) {
    const CeremonyRound round = open_due_ceremonies(ws.workspace(), now);
    std::vector<std::string> what;
    for (const DueCeremony& ceremony : round.opened) what.push_back(ceremony.what);
    for (const MissedCeremony& missed : round.missed)
      what.push_back(missed.what + ": " + summary(missed.why));
    return what;
  }
  /// Publishes the list of images as it is, for another life than cotter.toml's.
  void renew_targets(std::chrono::seconds lifetime, UtcTime now) const {
    TargetsSigning signing;
    for (const std::size_t place : {0U, 1U}) signing.holders.push_back(ws.keys.targets.at(place).get());
    signing.online = [this] { return Result<OnlineSigners>(ws.keys.online()); };
    signing.targets_lifetime = lifetime;
    const auto renewed = open_targets_ceremony(ws.workspace(), signing, {}, now);
    ASSERT_TRUE(renewed) << explain(renewed.error());
    ASSERT_EQ(renewed->state, TargetsOutcome::State::Published);
  }
  /// Likewise the image repository's root.
  void renew_root(std::chrono::seconds lifetime, UtcTime now) {
    RootWish wish;
    wish.lifetime = lifetime;
    const auto opened = open_root_ceremony(ws.workspace(), wish, now);
    ASSERT_TRUE(opened) << explain(opened.error());
    const auto closed = close({signed_copy(*opened, sim::pick(ws.keys.root, {0, 1}))}, now);
    ASSERT_TRUE(closed) << explain(closed.error());
    ASSERT_EQ(closed->state, ClosedRoot::State::Published);
  }
};

TEST_F(DueCeremonies, AreOpenedOnceWhenAFifthOfALifeIsLeft) {
  EXPECT_EQ(due(kNow + std::chrono::days(71)), std::vector<std::string>());
  EXPECT_EQ(due(kNow + std::chrono::days(72)), std::vector<std::string>{"image targets"});
  EXPECT_EQ(due(kNow + std::chrono::days(73)), std::vector<std::string>()) << "it waits already";
  EXPECT_EQ(due(kNow + std::chrono::days(292)), (std::vector<std::string>{"director root", "image root"}));
  EXPECT_EQ(due(kNow + std::chrono::days(293)), std::vector<std::string>());
}

TEST_F(DueCeremonies, MeasureALifeByTheFileAndNotByTheSettings) {
  renew_targets(std::chrono::days(300), kNow);
  EXPECT_EQ(due(kNow + std::chrono::days(239)), std::vector<std::string>());
  EXPECT_EQ(due(kNow + std::chrono::days(240)), std::vector<std::string>{"image targets"}) << "60 are left";
}

TEST_F(DueCeremonies, AreNotOpenedAtOnceForARootThatLivesAMonth) {
  renew_targets(std::chrono::days(300), kNow);
  renew_root(std::chrono::days(30), kNow);
  EXPECT_EQ(due(kNow), std::vector<std::string>());
  EXPECT_EQ(due(kNow + std::chrono::days(23)), std::vector<std::string>());
  EXPECT_EQ(due(kNow + std::chrono::days(24)), std::vector<std::string>{"image root"});
}

TEST_F(DueCeremonies, AreOpenedForOneRoleWhateverIsInTheWayOfAnother) {
  test::write(ws.pending() / "director-root-2.json", "no bundle");
  const UtcTime late = kNow + std::chrono::days(300);
  const auto round = due(late);
  ASSERT_EQ(round.size(), 3U);
  EXPECT_EQ(round[0], "image root");
  EXPECT_EQ(round[1], "image targets");
  EXPECT_TRUE(round[2].starts_with("director root: ")) << round[2];

  std::filesystem::remove(ws.pending() / "director-root-2.json");
  std::filesystem::remove(ws.pending() / "image-root-2.json");
  std::filesystem::remove(ws.workspace().director_dir() / "1.root.json");
  const auto without_director = due(late);
  ASSERT_EQ(without_director.size(), 2U);
  EXPECT_EQ(without_director[0], "image root");
  EXPECT_TRUE(without_director[1].starts_with("director root: ")) << without_director[1];
}

TEST_F(DueCeremonies, AreNotOpenedTwiceForADamagedCopyBesideAGoodOne) {
  const UtcTime late = kNow + std::chrono::days(80);
  ASSERT_EQ(due(late), std::vector<std::string>{"image targets"});
  test::write(ws.pending() / "image-targets-1.json", "no bundle");
  EXPECT_EQ(due(late), std::vector<std::string>());
}

// Off for so long that root and targets have expired, and neither can be published without the other.
TEST_F(DueCeremonies, HealAServerThatWasOffForAYear) {
  ASSERT_TRUE(ws.publish("a", "image a"));
  const UtcTime back = kNow + std::chrono::days(400);
  const OnlineSignersFor signers = [this](const model::Root&) {
    return Result<OnlineSigners>(ws.keys.online());
  };
  EXPECT_EQ(test::verdict(renew_repository(ws.workspace(), signers, back)), "root-expired");
  ASSERT_EQ(due(back).size(), 3U);
  const auto pending = [this](const char* name) {
    return ceremony::OfflineBundle::read(ws.pending() / name).value();
  };
  const auto root = signed_copy({{}, pending("image-root-2.json"), {}}, sim::pick(ws.keys.root, {0, 1}));
  const auto waiting = close({root}, back);
  ASSERT_TRUE(waiting) << explain(waiting.error());
  ASSERT_EQ(waiting->state, ClosedRoot::State::AwaitingTargets);
  const auto closed = close({signed_copy(waiting->waiting, sim::pick(ws.keys.targets, {0, 1}))}, back);
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_EQ(closed->state, ClosedRoot::State::Published);
  const auto healed = ws.read(back);
  ASSERT_TRUE(healed) << explain(healed.error());
  EXPECT_TRUE((*healed->targets())->targets.contains(TargetName("a")));
}

TEST(RootCeremonyKilled, IsClosedByCallingAgainWhateverStepItDiedAt) {
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    RootCeremonyAt at(memory.path() / "ws");
    ASSERT_TRUE(at.ws.publish("a", "image a"));
    ceremony::KeyChange change =
        swap(model::timestamp_role(), *at.ws.keys.timestamp[0], *sim::key("new-timestamp"));
    at.online.put("image-timestamp-2", sim::key("new-timestamp"));
    const auto opened = at.open(change);
    ASSERT_TRUE(opened) << explain(opened.error());
    const auto copy = at.signed_copy(*opened, sim::pick(at.ws.keys.root, {0, 1}));
    const sim::Death death = sim::run_until_step(step, [&] { return at.close({copy}).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    if (!at.ws.bundles().empty()) {
      const auto again = at.close({copy});
      ASSERT_TRUE(again) << explain(again.error());
      EXPECT_EQ(again->state, ClosedRoot::State::Published);
    }
    EXPECT_EQ(at.root_version(), Version(2));
    repository::FolderTransport folder(at.ws.repo());
    const auto health = check_repository(folder, kNow, {});
    ASSERT_TRUE(health && health->healthy());
    EXPECT_EQ(at.ws.bundles(), std::vector<std::string>());
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 15U);
}

}  // namespace
}  // namespace cotter::app
