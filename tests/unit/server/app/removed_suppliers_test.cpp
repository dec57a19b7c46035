// What a supplier leaves behind that was let go, and when: its files and its ECUs' assignments at once, its
// name in the snapshot once a root replaces the keys of snapshot and timestamp (IMG-13).
#include "server/app/removed_suppliers.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/json/canonical.h"
#include "common/trust/refresh.h"
#include "server/app/assign.h"
#include "server/app/check_repository.h"
#include "server/app/register_vehicle.h"
#include "server/app/trace_workspace.h"
#include "server/repository/folder_transport.h"
#include "server/storage/sqlite/inventory_store.h"
#include "server/storage/sqlite/token_store.h"
#include "tests/sim/kill_at_step.h"
#include "tests/sim/small_disk.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/root_ceremony.h"
#include "tests/unit/server/supplier_workspace.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using operations::SubmissionState;
using test::kAcme;
using test::kApp;
using test::kBrake;
using test::kDoor;
using test::kNow;
using test::kVin;
using test::SupplierWorkspace;

/// acme has published two builds, one after the other, and the OEM another for the same ECUs.
void publish_images(const SupplierWorkspace& ws, const operations::SupplierPolicy& policy = {}) {
  ws.take_in(policy);
  for (const auto& [version, content] : {std::pair(1, "the first"), std::pair(2, "the second")}) {
    const auto release = SupplierWorkspace::release(kApp, content);
    const auto number = static_cast<std::uint64_t>(version);
    const auto accepted =
        ws.accept(ws.waiting(ws.signed_by(SupplierWorkspace::next(release, number)), content));
    ASSERT_TRUE(accepted) << explain(accepted.error());
    ASSERT_EQ(accepted->state, SubmissionState::Accepted) << testing::PrintToString(accepted->wrong);
  }
  PublishRequest request = ws.request("oem/app", "of the OEM", {0, 1});
  request.release.hardware_ids = {HardwareId("acme-ecu")};
  request.release.counter = ReleaseCounter(1);
  ASSERT_TRUE(ws.publish(request));
}

host::Db database(const SupplierWorkspace& ws) {
  return storage::open_database(ws.workspace().db_path()).value();
}

/// VIN-1, whose brake is to run an image of acme's, and its door one of the OEM's.
void assign_images(const SupplierWorkspace& ws) {
  host::Db db = database(ws);
  inventory::VehicleRecord record = test::factory_record(kVin.value());
  for (inventory::EcuRecord& ecu : record.ecus) ecu.hardware_id = HardwareId("acme-ecu");
  const std::string text = json::to_text(record.encode());
  ASSERT_TRUE(register_vehicle(db, as_bytes(text), kNow));
  for (const auto& [ecu, image] : {std::pair(kBrake, kApp), std::pair(kDoor, std::string("oem/app"))}) {
    const auto assigned = assign(db, ws.repo(), kVin, ecu, TargetName(image), kNow);
    ASSERT_TRUE(assigned) << explain(assigned.error());
  }
}

inventory::Vehicle vehicle(const SupplierWorkspace& ws) {
  host::Db db = database(ws);
  return storage::InventoryStore(db).load(kVin).value();
}

std::vector<ledger::Entry> entries(const SupplierWorkspace& ws, std::string_view kind) {
  host::Db db = database(ws);
  std::vector<ledger::Entry> found;
  storage::LedgerFilter filter;
  filter.kind = kind;
  EXPECT_TRUE(storage::LedgerStore(db).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
    found.push_back(ledger::Entry::decode(row.body).value());
    return {};
  }));
  return found;
}

std::size_t ended_in_ledger(const SupplierWorkspace& ws) {
  const auto all = entries(ws, ledger::kAssignment);
  return static_cast<std::size_t>(std::ranges::count_if(
      all, [](const ledger::Entry& entry) { return entry.details.find("ended") != nullptr; }));
}

Result<RemoveOutcome> remove(const SupplierWorkspace& ws, std::initializer_list<std::size_t> holders = {0, 2},
                             bool ends_assignments = true) {
  RemoveSupplierRequest request;
  request.name = kAcme;
  request.ends_assignments = ends_assignments;
  for (const std::size_t place : holders) request.holders.push_back(ws.keys.targets.at(place).get());
  request.online = [&] { return Result<OnlineSigners>(ws.keys.online()); };
  return remove_supplier(ws.workspace(), request, kNow);
}

/// The names of files of acme's in a folder, and of images that lie under one of its names.
std::vector<std::string> left_in(const fs::path& dir) {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".acme.json") || name.ends_with(".app")) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

/// Into another workspace, which has the same keys.
void copy(const SupplierWorkspace& from, const SupplierWorkspace& to) {
  fs::copy(from.workspace().dir(), to.workspace().dir(),
           fs::copy_options::recursive | fs::copy_options::overwrite_existing);
}

TEST(RemovedSuppliers, LeaveNoFileBehindButWhatTheTraceReads) {  // IMG-13
  const SupplierWorkspace ws;
  publish_images(ws);
  ASSERT_EQ(left_in(ws.repo()).size(), 2U + 3 * 2) << "two files, and two hashes of three images";
  const auto removed = remove(ws);
  ASSERT_TRUE(removed) << explain(removed.error());
  const std::vector<std::string> left = left_in(ws.repo());
  EXPECT_EQ(left.size(), 2U) << testing::PrintToString(left) << " of the OEM's image";
  EXPECT_TRUE(ws.find("oem/app"));
  EXPECT_TRUE(ws.read()->listed(kAcme)) << "a client would take its absence for a rollback";
  EXPECT_EQ(left_in(ws.workspace().removed_dir()), (std::vector<std::string>{"1.acme.json", "2.acme.json"}));
  expect_healthy(ws);

  host::Db db = database(ws);
  const auto traced = trace_in(ws.workspace(), db, trace_query(kApp).value());
  ASSERT_TRUE(traced) << explain(traced.error());
  EXPECT_TRUE(traced->unread.empty()) << testing::PrintToString(traced->unread);
  ASSERT_EQ(traced->artifacts.size(), 2U);
  EXPECT_EQ(traced->artifacts.back().published.size(), 1U);
}

TEST(RemovedSuppliers, AreNotLetGoWhileAnEcuIsToRunTheirImagesUnlessThatEndsToo) {  // IMG-13
  const SupplierWorkspace ws;
  publish_images(ws);
  assign_images(ws);
  const std::uint64_t revision = vehicle(ws).desired_revision;
  const auto stopped = remove(ws, {0, 2}, false);
  ASSERT_TRUE(stopped) << explain(stopped.error());
  EXPECT_TRUE(stopped->stopped);
  ASSERT_EQ(stopped->assigned.size(), 1U);
  EXPECT_EQ(stopped->assigned.front().vin, kVin);
  EXPECT_EQ(stopped->assigned.front().ecu, kBrake);
  EXPECT_EQ(stopped->assigned.front().image, TargetName(kApp));
  host::Db db = database(ws);
  EXPECT_FALSE(storage::TokenStore(db).find("acme-ci").value()->revoked);
  EXPECT_TRUE(ws.find(kApp));
  EXPECT_EQ(vehicle(ws).desired_revision, revision);

  const auto awaiting = remove(ws, {0});
  ASSERT_TRUE(awaiting) << explain(awaiting.error());
  ASSERT_EQ(awaiting->state, TargetsOutcome::State::Awaiting);
  EXPECT_EQ(awaiting->assigned.size(), 1U);
  EXPECT_FALSE(vehicle(ws).find(kBrake)->desired) << "the vehicle stops looking for it before it is gone";
  EXPECT_EQ(vehicle(ws).find(kDoor)->desired->name, TargetName("oem/app"));
  EXPECT_EQ(vehicle(ws).desired_revision, revision + 1) << "so that its director signs anew";
  EXPECT_EQ(ended_in_ledger(ws), 1U);
  EXPECT_TRUE(ws.find(kApp)) << "only its holders can take the delegation back";
  const auto again = assign(db, ws.repo(), kVin, kBrake, TargetName(kApp), kNow);
  ASSERT_FALSE(again) << "it goes";
  EXPECT_TRUE(is_fault(again.error(), Fault::Kind::Conflict)) << explain(again.error());
  ASSERT_TRUE(assign(db, ws.repo(), kVin, kBrake, TargetName("oem/app"), kNow));

  ASSERT_EQ(remove(ws, {2})->state, TargetsOutcome::State::Published);
  EXPECT_EQ(vehicle(ws).find(kBrake)->desired->name, TargetName("oem/app"));
  EXPECT_EQ(ended_in_ledger(ws), 1U);
}

TEST(RemovedSuppliersKilled, AreLetGoWholeByRemovingAgain) {  // IMG-13, IMG-17
  const SupplierWorkspace before;
  publish_images(before);
  assign_images(before);
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    const SupplierWorkspace ws(memory.path() / "ws");
    copy(before, ws);
    const sim::Death death = sim::run_until_step(step, [&] { return remove(ws).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    ASSERT_TRUE(ws.read());
    expect_healthy(ws);
    EXPECT_TRUE(!vehicle(ws).find(kBrake)->desired || ws.find(kApp)) << "it is to run what nobody has";
    const auto again = remove(ws);
    ASSERT_TRUE(again) << explain(again.error());
    EXPECT_EQ(left_in(ws.repo()).size(), 2U);
    EXPECT_EQ(left_in(ws.workspace().removed_dir()).size(), 2U);
    EXPECT_FALSE(vehicle(ws).find(kBrake)->desired);
    EXPECT_EQ(ended_in_ledger(ws), 1U);
    EXPECT_TRUE(ws.read()->listed(kAcme));
    expect_healthy(ws);
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 20U);
}

// The second half: the name.

/// What a vehicle has stored.
class Stored final : public trust::MetadataStore {
 public:
  Result<std::optional<Bytes>> load(Repository, const RoleName& role) const override {
    const auto found = files_.find(role);
    return found == files_.end() ? std::optional<Bytes>() : std::optional(found->second);
  }
  Result<void> commit(Repository, std::span<const trust::Effect> effects) override {
    for (const trust::Effect& effect : effects) {
      if (const auto* store = std::get_if<trust::Store>(&effect)) {
        files_[store->role] = store->wire;
      } else {
        files_.erase(std::get<trust::Forget>(effect).role);
      }
    }
    return {};
  }

 private:
  std::map<RoleName, Bytes> files_;
};

using Ceremony = test::RootCeremonyIn<SupplierWorkspace>;

/// Other keys for these roles.
ceremony::KeyChange replacing(Ceremony& at, const std::vector<RoleName>& roles) {
  ceremony::KeyChange change;
  for (const RoleName& role : roles) {
    const auto& old = role == model::snapshot_role() ? at.ws.keys.snapshot : at.ws.keys.timestamp;
    const auto key = sim::key("new-" + role.value());
    change.add.push_back({role, key->public_key()});
    change.remove.push_back({role, old.front()->public_key().computed_id()});
    at.online.put("image-" + role.value() + "-2", key);
  }
  return change;
}
const std::vector<RoleName> kBoth{model::snapshot_role(), model::timestamp_role()};

Result<ClosedRoot> rotate(Ceremony& at, const ceremony::KeyChange& change) {
  const auto opened = TRY(at.open(change));
  return at.close({at.signed_copy(opened, sim::pick(at.ws.keys.root, {0, 1}))});
}

Result<trust::TrustedSet> follow(const Ceremony& at, trust::MetadataStore& store) {
  repository::FolderTransport folder(at.ws.repo());
  const auto stored = store.load(Repository::Image, model::root_role()).value();
  return repository::read_as_client(folder, stored ? *stored : TRY(repository::first_root(folder)), kNow,
                                    store);
}

TEST(RemovedSuppliers, LeaveTheSnapshotWithTheKeysOfSnapshotAndTimestamp) {  // IMG-13, VER-8, VER-26
  Ceremony at;
  publish_images(at.ws);
  Stored store;
  ASSERT_TRUE(follow(at, store)->listed(kAcme));
  ASSERT_TRUE(remove(at.ws));
  ASSERT_TRUE(follow(at, store)->listed(kAcme));
  const auto closed = rotate(at, replacing(at, kBoth));
  ASSERT_TRUE(closed) << explain(closed.error());
  ASSERT_EQ(closed->state, ClosedRoot::State::Published);
  EXPECT_EQ(closed->versions->dropped, (std::set<RoleName>{kAcme}));
  EXPECT_FALSE(at.ws.read()->listed(kAcme));
  const auto followed = follow(at, store);
  ASSERT_TRUE(followed) << explain(followed.error());
  EXPECT_FALSE(followed->listed(kAcme));
  EXPECT_NE(entries(at.ws, ledger::kPublication).back().details.find("dropped"), nullptr);
  expect_healthy(at.ws);
  EXPECT_TRUE(
      is_fault(add_supplier(at.ws.workspace(), at.ws.supplier(), kNow).error(), Fault::Kind::Conflict))
      << "the name is not given again";
}

TEST(RemovedSuppliers, StayInTheSnapshotWhileOneOfTheTwoKeysDoes) {  // IMG-13
  for (const RoleName& role : kBoth) {
    Ceremony at;
    publish_images(at.ws);
    ASSERT_TRUE(remove(at.ws));
    const auto closed = rotate(at, replacing(at, {role}));
    ASSERT_TRUE(closed) << explain(closed.error());
    EXPECT_TRUE(at.ws.read()->listed(kAcme)) << role.value() << " alone was replaced";
  }
  Ceremony at;
  publish_images(at.ws);
  ASSERT_TRUE(remove(at.ws));
  ceremony::KeyChange added = replacing(at, kBoth);
  added.remove.pop_back();
  const auto closed = rotate(at, added);
  ASSERT_TRUE(closed) << explain(closed.error());
  EXPECT_TRUE(at.ws.read()->listed(kAcme)) << "the old timestamp key may sign on";
}

TEST(RemovedSuppliers, StayInTheSnapshotWhileTheyAreDelegatedTo) {  // IMG-13
  Ceremony at;
  operations::SupplierPolicy policy;
  policy.may_delegate = true;
  publish_images(at.ws, policy);
  const auto base = SupplierWorkspace::next(SupplierWorkspace::release(kApp, "the second"));
  const auto lets = at.ws.accept(
      at.ws.waiting(at.ws.signed_by(SupplierWorkspace::letting_sign(at.ws.below(), base, 3)), ""));
  ASSERT_EQ(lets->state, SubmissionState::Accepted) << testing::PrintToString(lets->wrong);
  const auto image = SupplierWorkspace::release("acme/sensors/app", "of the sensors");
  ASSERT_EQ(
      at.ws
          .accept(at.ws.waiting(SupplierWorkspace::signed_by(at.ws.sensors, SupplierWorkspace::next(image)),
                                "of the sensors", "acme-sensors"))
          ->state,
      SubmissionState::Accepted);
  at.ws.take_in_again({});  // acme-sensors is shut out, and what it published is published
  ASSERT_EQ(remove(at.ws, {0})->state, TargetsOutcome::State::Awaiting);
  const auto closed = rotate(at, replacing(at, kBoth));
  ASSERT_TRUE(closed) << explain(closed.error());
  for (const char* role : {"acme", "acme-sensors"}) EXPECT_TRUE(at.ws.read()->listed(RoleName(role))) << role;
  EXPECT_TRUE(at.ws.find("acme/sensors/app"));
}

TEST(RemovedSuppliersKilled, LeaveTheSnapshotWhateverStepTheRootDiedAt) {  // IMG-13, IMG-17
  const SupplierWorkspace before;
  publish_images(before);
  ASSERT_TRUE(remove(before));
  unsigned step = 1;
  for (;; ++step) {
    SCOPED_TRACE("killed before change " + std::to_string(step));
    const sim::SmallDisk memory("8m");
    Ceremony at(memory.path() / "ws");
    copy(before, at.ws);
    Stored store;
    ASSERT_TRUE(follow(at, store));
    const auto opened = at.open(replacing(at, kBoth));
    ASSERT_TRUE(opened) << explain(opened.error());
    const auto copy = at.signed_copy(*opened, sim::pick(at.ws.keys.root, {0, 1}));
    const sim::Death death = sim::run_until_step(step, [&] { return at.close({copy}).has_value(); });
    if (death == sim::Death::CannotTrace) GTEST_SKIP() << "this machine does not let us trace a child";
    ASSERT_NE(death, sim::Death::Failed);
    if (!at.ws.bundles().empty()) {
      ASSERT_TRUE(at.close({copy}));
    }
    const auto followed = follow(at, store);
    ASSERT_TRUE(followed) << explain(followed.error());
    EXPECT_FALSE(followed->listed(kAcme));
    expect_healthy(at.ws);
    if (death == sim::Death::Finished) break;
  }
  EXPECT_GT(step, 15U);
}

}  // namespace
}  // namespace cotter::app
