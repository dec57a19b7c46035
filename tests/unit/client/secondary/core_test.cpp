// A secondary against honest and dishonest primaries: FVS-1 to FVS-10, PVS-1 to PVS-8, INS-1 to INS-7.
#include "client/secondary/core.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/limits.h"
#include "tests/sim/vehicle_sim.h"
#include "tests/unit/common/expect_rule.h"

namespace cotter::client {
namespace {

using sim::EcuOrder;
using sim::EcuSim;
using sim::MemoryImage;
using sim::MemorySink;
using sim::VehicleSim;
using test::verdict;

const std::string kNew = std::string(100'000, 'n') + " the new image";
const TargetName kName("team/ecu1/new.bin");

/// What the primary's link would say of this reply.
std::string verdict_of(const wire::Reply& reply) {
  if (const auto* refused = std::get_if<wire::Refused>(&reply)) return refused->rule;
  if (std::holds_alternative<wire::Failed>(reply)) return "fault";
  return "accepted";
}

/// A primary that answers some wants in its own way.
struct LyingSource final : MetadataSource {
  explicit LyingSource(VehicleSim& vehicle) : truth(vehicle) {}
  Result<std::optional<Bytes>> file(Repository repository, const RoleName& role,
                                    std::optional<Version> version) override {
    if (lie && repository == about_repository && role == about_role) return *lie;
    return truth.file(repository, role, version);
  }
  VehicleSim& truth;
  Repository about_repository = Repository::Director;
  RoleName about_role;
  std::optional<std::optional<Bytes>> lie;
};

struct EcuBench {
  explicit EcuBench(Verification verification = Verification::Full, Slots slots = Slots::Two)
      : vehicle("VIN1"), order(vehicle.order("ecu1", verification, slots)), ecu(order, vehicle.now) {}

  /// Everything an honest primary does for one ECU.
  Result<InstallOutcome> update(const std::string& content = kNew) {
    TRY(ecu.link().put_metadata(vehicle));
    const trust::Assignment assignment = TRY(vehicle.assignment(order));
    MemoryImage image(content);
    TRY(ecu.link().stage(assignment, image));
    return ecu.link().commit(assignment, image);
  }
  std::string attacks() { return (*ecu.report())->attacks_detected; }
  std::string running() { return ecu.flash.running(); }

  VehicleSim vehicle;
  EcuOrder order;
  EcuSim ecu;
};

/// A new root key; the old one signs for it.
void rotate_root(sim::RepositorySim& repository) {
  const sim::Keys old = repository.signers[model::root_role()];
  repository.rotate(model::root_role());
  const sim::Keys fresh = repository.signers[model::root_role()];
  repository.signers[model::root_role()].insert(repository.signers[model::root_role()].end(), old.begin(),
                                                old.end());
  repository.publish(model::root_role());
  repository.signers[model::root_role()] = fresh;
}

// --- any ECU --------------------------------------------------------------------------------------------

struct Kind {
  const char* name;
  Verification verification;
  Slots slots;
};
class EveryEcu : public testing::TestWithParam<Kind> {};

TEST_P(EveryEcu, VerifiesInstallsAndReportsForItself) {  // INS-1, INS-5, INS-6
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  const auto outcome = bench.update();
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_TRUE(outcome->installed) << outcome->text;
  EXPECT_EQ(bench.running(), kNew);

  const auto report = bench.ecu.report();
  ASSERT_TRUE(report) << summary(report.error());
  EXPECT_EQ((*report)->vin, bench.vehicle.vin);
  EXPECT_EQ((*report)->ecu.value(), "ecu1");
  EXPECT_EQ((*report)->installed.name, kName);
  EXPECT_EQ((*report)->installed.hashes, crypto::Hashes::of(as_bytes(kNew)));
  EXPECT_EQ((*report)->release_counter, ReleaseCounter(2));
  EXPECT_EQ((*report)->director_targets_version, bench.vehicle.director.targets().version);  // ATK-12
  EXPECT_EQ((*report)->attacks_detected, "");
}

TEST_P(EveryEcu, TakesASecondUpdate) {
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.update());
  bench.vehicle.release(bench.order, kName, "newer still", 3);
  const auto outcome = bench.update("newer still");
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_EQ(bench.running(), "newer still");
}

// FVS-10, ATK-47.
TEST_P(EveryEcu, RefusesAnImageBeforeItsMetadata) {  // INS-1
  EcuBench bench(GetParam().verification, GetParam().slots);
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::StageBegin{kName, 5})), "message-out-of-order");
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::Chunk{0, to_bytes("image")})), "message-out-of-order");
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::TransferEnd{})), "message-out-of-order");
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::Commit{})), "message-out-of-order");
  EXPECT_EQ(bench.running(), bench.order.image);
  EXPECT_NE(bench.attacks().find("message:message-out-of-order"), std::string::npos);
  EXPECT_NE(bench.attacks().find("image:message-out-of-order"), std::string::npos);
}

// ATK-29: the primary swaps the images of two ECUs.
TEST_P(EveryEcu, RefusesAnotherEcusImage) {  // INS-3
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::StageBegin{TargetName("team/ecu2/new.bin"), kNew.size()})),
            "ecu-other-image");
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::StageBegin{kName, kNew.size() + 1})), "ecu-other-image");
  EXPECT_EQ(bench.attacks(), "image:ecu-other-image");
}

TEST_P(EveryEcu, RefusesAnotherVehiclesMetadata) {  // ATK-9, PVS-3
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  bench.vehicle.director.bind_to(VehicleId("VIN2"));
  bench.vehicle.director.release({model::targets_role()});
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(bench.vehicle)), "director-other-vehicle");
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::StageBegin{kName, kNew.size()})), "message-out-of-order");
}

TEST_P(EveryEcu, RefusesAnOlderRelease) {  // PVS-4, ATK-17: with all keys, but the counter goes back
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.update());
  bench.vehicle.release(bench.order, kName, "an older one", 1);
  const std::string expected = GetParam().verification == Verification::Full ? "match-release-counter-lower"
                                                                             : "ecu-release-counter-lower";
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(bench.vehicle)), expected);
  EXPECT_EQ(bench.running(), kNew);
}

TEST_P(EveryEcu, DoesNothingWhenItRunsWhatItShould) {  // DIR-45
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.update());
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::StageBegin{kName, kNew.size()})), "message-out-of-order");
}

// INS-2: without an entry of its own the ECU keeps the targets it had.
TEST_P(EveryEcu, KeepsItsPreviousTargetsWhenItIsNotMentioned) {  // PVS-1
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.update());
  const PackedMetadata store(bench.ecu.flash);
  const auto before = *store.load(Repository::Director, model::targets_role());
  ASSERT_TRUE(before);
  bench.vehicle.director.targets().targets.clear();
  bench.vehicle.director.release({model::targets_role()});
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  EXPECT_EQ(*store.load(Repository::Director, model::targets_role()), before);
}

TEST_P(EveryEcu, FollowsTheRootChainStepByStep) {  // FVS-5, PVS-5
  EcuBench bench(GetParam().verification, GetParam().slots);
  for (int i = 0; i < 3; ++i) rotate_root(bench.vehicle.director);
  bench.vehicle.director.rotate(model::targets_role());
  bench.vehicle.director.publish(model::root_role());
  bench.vehicle.release(bench.order, kName, kNew, 2);
  const auto outcome = bench.update();
  ASSERT_TRUE(outcome) << summary(outcome.error());
  const std::vector<std::string> roots(bench.vehicle.asked.begin(), bench.vehicle.asked.begin() + 5);
  EXPECT_EQ(roots, (std::vector<std::string>{"director/2.root", "director/3.root", "director/4.root",
                                             "director/5.root", "director/6.root"}));
}

// FVS-5: a primary that holds nothing but the newest root must not brick it.
TEST_P(EveryEcu, ComesBackFromAPrimaryThatSkipsRoots) {
  EcuBench bench(GetParam().verification, GetParam().slots);
  for (int i = 0; i < 3; ++i) rotate_root(bench.vehicle.director);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  LyingSource newest(bench.vehicle);
  newest.about_role = model::root_role();
  newest.lie = bench.vehicle.director.file_of(model::root_role());
  EXPECT_FALSE(bench.ecu.link().put_metadata(newest));
  const auto outcome = bench.update();
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_EQ(bench.running(), kNew);
}

TEST_P(EveryEcu, RefusesMetadataThatItsRootDoesNotVouchFor) {  // FVS-10, PVS-2
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  bench.vehicle.director.tamper(model::targets_role(), [](json::Object&) {}, {sim::key("a stranger")});
  LyingSource thief(bench.vehicle);
  EXPECT_FALSE(bench.ecu.link().put_metadata(thief));
  EXPECT_EQ(bench.running(), bench.order.image);
}

// FVS-10: the primary keeps something back. Nothing is installed, and nothing is broken for the next cycle.
TEST_P(EveryEcu, FailsWithoutHarmWhenAFileIsWithheld) {  // FVS-2
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  LyingSource miser(bench.vehicle);
  miser.about_role = model::targets_role();
  miser.lie.emplace(std::nullopt);
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(miser)), "fault");
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::StageBegin{kName, kNew.size()})), "message-out-of-order");
  EXPECT_TRUE(bench.update());
}

TEST_P(EveryEcu, RefusesAnOversizeFile) {  // FMT-84, ATK-22
  EcuBench bench(GetParam().verification, GetParam().slots);
  LyingSource flood(bench.vehicle);
  flood.about_role = model::root_role();
  flood.lie.emplace(Bytes(Limits().root_bytes + 1, ' '));
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(flood)), "file-too-large");
  EXPECT_EQ(bench.attacks(), "director/root:file-too-large");
}

TEST_P(EveryEcu, ReadsNoMoreThanItAskedFor) {
  EcuBench bench(GetParam().verification, GetParam().slots);
  EXPECT_EQ(bench.ecu.core().max_payload(), wire::kMaxPayload);
  const wire::Reply reply = bench.ecu.ask(wire::MetadataOffer{});
  const auto* want = std::get_if<wire::Want>(&reply);
  ASSERT_NE(want, nullptr);
  EXPECT_EQ(bench.ecu.core().max_payload(), want->max_bytes + wire::kFieldRoom);
  static_cast<void>(bench.ecu.ask(wire::ReportRequest{}));
  EXPECT_EQ(bench.ecu.core().max_payload(), wire::kMaxPayload);
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::File{})), "message-out-of-order") << "the pull was broken off";
}

TEST_P(EveryEcu, RefusesExpiredMetadata) {  // PVS-2: freeze
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  bench.ecu.clock.time += std::chrono::hours(24 * 366);
  EXPECT_FALSE(bench.ecu.link().put_metadata(bench.vehicle));
  EXPECT_NE(bench.attacks().find("expired"), std::string::npos);
}

// VER-REC: its stored metadata is damaged, root and all; the factory's root brings it back.
TEST_P(EveryEcu, ComesBackFromDamagedMetadata) {
  for (const char* damage : {"", "x", "\x00\x00\x00"}) {
    EcuBench bench(GetParam().verification, GetParam().slots);
    rotate_root(bench.vehicle.director);
    bench.vehicle.release(bench.order, kName, kNew, 2);
    ASSERT_TRUE(bench.update());
    for (const char* record : {"director", "image"}) bench.ecu.flash.records[record] = to_bytes(damage);
    ASSERT_TRUE(bench.ecu.restart());
    bench.vehicle.release(bench.order, kName, "newer still", 3);
    const auto outcome = bench.update("newer still");
    ASSERT_TRUE(outcome) << summary(outcome.error());
    EXPECT_EQ(bench.running(), "newer still");
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, EveryEcu,
                         testing::Values(Kind{"FullTwoSlots", Verification::Full, Slots::Two},
                                         Kind{"FullOneSlot", Verification::Full, Slots::One},
                                         Kind{"PartialTwoSlots", Verification::Partial, Slots::Two},
                                         Kind{"PartialOneSlot", Verification::Partial, Slots::One}),
                         [](const auto& param) { return std::string(param.param.name); });

// --- full against partial verification --------------------------------------------------------------------

TEST(FullEcu, AsksForNothingTwice) {  // FVS-6
  EcuBench bench;
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.update());
  bench.vehicle.asked.clear();
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  // Of the image repository too, though nothing is to be installed: a rotation may have come (GAP-8).
  EXPECT_EQ(bench.vehicle.asked, (std::vector<std::string>{"director/2.root", "director/timestamp",
                                                           "image/2.root", "image/timestamp"}));
}

TEST(PartialEcu, AsksForTheDirectorsRootAndTargetsOnly) {  // PVS-2
  EcuBench bench(Verification::Partial);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  EXPECT_EQ(bench.vehicle.asked, (std::vector<std::string>{"director/2.root", "director/targets"}));
}

TEST(FullEcu, RefusesWhatTheDirectorAloneSigned) {  // FMT-95, PVS-8, ATK-26
  EcuBench bench;
  bench.vehicle.assign(bench.order, kName, "evil", 2);
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(bench.vehicle)), "match-image-unknown");
  EXPECT_EQ(bench.attacks(), "image/targets:match-image-unknown");
  EXPECT_EQ(bench.running(), bench.order.image);
}

// PVS-8, the known limit: who holds the director's targets key and the bus can install anything on it.
TEST(PartialEcu, TakesWhatTheDirectorAloneSigned) {
  EcuBench bench(Verification::Partial);
  bench.vehicle.assign(bench.order, kName, "evil", 2);
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  ASSERT_EQ(verdict_of(bench.ecu.ask(wire::StageBegin{kName, 4})), "accepted");
  ASSERT_EQ(verdict_of(bench.ecu.ask(wire::Chunk{0, to_bytes("evil")})), "accepted");
  ASSERT_EQ(verdict_of(bench.ecu.ask(wire::TransferEnd{})), "accepted");
  ASSERT_EQ(verdict_of(bench.ecu.ask(wire::Commit{})), "accepted");
  EXPECT_EQ(bench.running(), "evil");
}

TEST(FullEcu, RefusesMetadataMixedFromTwoSnapshots) {  // FVS-10, ATK-18
  EcuBench bench;
  LyingSource mixer(bench.vehicle);
  mixer.about_role = model::targets_role();
  mixer.lie = bench.vehicle.director.file_of(model::targets_role());
  bench.vehicle.release(bench.order, kName, kNew, 2);
  EXPECT_FALSE(bench.ecu.link().put_metadata(mixer));
  EXPECT_NE(bench.attacks().find("director/targets:targets-"), std::string::npos);
  EXPECT_EQ(bench.running(), bench.order.image);
}

TEST(FullEcu, RefusesReplayedMetadata) {  // FVS-10, ATK-11
  EcuBench bench;
  LyingSource replayer(bench.vehicle);
  replayer.about_role = model::timestamp_role();
  replayer.lie = bench.vehicle.director.file_of(model::timestamp_role());
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.update());
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(replayer)), "timestamp-older-than-trusted");
}

TEST(PartialEcu, RefusesReplayedTargets) {  // PVS-2
  EcuBench bench(Verification::Partial);
  LyingSource replayer(bench.vehicle);
  replayer.about_role = model::targets_role();
  bench.vehicle.release(bench.order, kName, "first", 2);
  replayer.lie = bench.vehicle.director.file_of(model::targets_role());
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.update());
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(replayer)), "targets-older-than-trusted");
  EXPECT_EQ(bench.running(), kNew);
}

// FVS-7: by its own hardware id, whatever the director believes.
TEST(FullEcu, RefusesAnImageForOtherHardware) {
  EcuBench bench;
  EcuOrder mistaken = bench.order;
  mistaken.identity.hardware_id = HardwareId("hw-other");
  bench.vehicle.release(mistaken, kName, kNew, 2);
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(bench.vehicle)), "match-hardware-wrong");
}

TEST(PartialEcu, RefusesAnImageForOtherHardware) {  // PVS-4
  EcuBench bench(Verification::Partial);
  EcuOrder mistaken = bench.order;
  mistaken.identity.hardware_id = HardwareId("hw-other");
  bench.vehicle.release(mistaken, kName, kNew, 2);
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(bench.vehicle)), "ecu-hardware-wrong");
}

/// As the director lists it, for ECUs that this one knows nothing of.
void assign_to_others(EcuBench& bench, const TargetName& name, std::initializer_list<const char*> serials) {
  EcuOrder other = bench.order;
  json::Object ecus;
  for (const char* serial : serials) {
    ecus.set(serial, json::Object{{"hardwareId", "hw-other"}});
    other.identity.serial = EcuSerial(serial);
  }
  json::Object custom = sim::assigned_to(other.identity.serial, HardwareId("hw-other"), 2);
  custom.set("ecuIdentifiers", ecus);
  bench.vehicle.director.add_target(model::targets_role(), name, "theirs", custom);
  bench.vehicle.director.release({model::targets_role()});
}

TEST_P(EveryEcu, MindsItsOwnImageAlone) {  // FVS-4: nobody lists the neighbours' image
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  assign_to_others(bench, TargetName("team/others/1.bin"), {"ecu8", "ecu9"});
  const auto outcome = bench.update();
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_EQ(bench.running(), kNew);
}

TEST_P(EveryEcu, RefusesTargetsThatNameAnyEcuTwice) {  // FVS-4, VER-37, PVS-2
  EcuBench bench(GetParam().verification, GetParam().slots);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  assign_to_others(bench, TargetName("team/others/1.bin"), {"ecu8", "ecu9"});
  assign_to_others(bench, TargetName("team/others/2.bin"), {"ecu9"});
  EXPECT_EQ(verdict(bench.ecu.link().put_metadata(bench.vehicle)), "director-ecu-repeated");
  EXPECT_EQ(bench.running(), bench.order.image);
}

TEST(FullEcu, FollowsDelegations) {  // FVS-2
  EcuBench bench;
  model::DelegatedRole team;
  team.name = RoleName("team");
  team.paths = {"team/*/*"};
  bench.vehicle.image.delegate(model::targets_role(), team);
  bench.vehicle.image.add_target(team.name, kName, kNew,
                                 sim::image_facts({bench.order.identity.hardware_id}, 2));
  bench.vehicle.image.release({team.name, model::targets_role()});
  bench.vehicle.assign(bench.order, kName, kNew, 2);
  const auto outcome = bench.update();
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_EQ(bench.vehicle.asked.back(), "image/team");
}

// --- transfers --------------------------------------------------------------------------------------------

TEST(Transfer, GoesOnAfterTheConnectionBroke) {
  EcuBench bench;
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  ASSERT_EQ(verdict_of(bench.ecu.ask(wire::StageBegin{kName, kNew.size()})), "accepted");
  ASSERT_EQ(verdict_of(bench.ecu.ask(wire::Chunk{0, to_bytes(kNew.substr(0, 50'000))})), "accepted");
  bench.ecu.core().disconnected();
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::Chunk{50'000, to_bytes("x")})), "message-out-of-order");
  const wire::Reply reply = bench.ecu.ask(wire::StageBegin{kName, kNew.size()});
  ASSERT_TRUE(std::holds_alternative<wire::Ready>(reply));
  EXPECT_EQ(std::get<wire::Ready>(reply).offset, 50'000U);
  const auto outcome = bench.update();
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_EQ(bench.running(), kNew);
}

TEST(Transfer, RefusesAnOversizeImage) {  // FVS-10, ATK-23
  EcuBench bench;
  bench.vehicle.release(bench.order, kName, "short", 2);
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  ASSERT_EQ(verdict_of(bench.ecu.ask(wire::StageBegin{kName, 5})), "accepted");
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::Chunk{0, to_bytes("short and more")})), "image-too-long");
  EXPECT_EQ(verdict_of(bench.ecu.ask(wire::Commit{})), "message-out-of-order");
  EXPECT_EQ(bench.attacks(), "image:image-too-long,image:message-out-of-order");
}

TEST(Transfer, RefusesAnImageWithAnotherHash) {  // FVS-10
  EcuBench bench;
  bench.vehicle.release(bench.order, kName, kNew, 2);
  std::string wrong = kNew;
  wrong.front() = 'N';
  EXPECT_EQ(verdict(bench.update(wrong)), "image-hash-wrong");
  EXPECT_EQ(bench.running(), bench.order.image);
  EXPECT_TRUE(bench.update());
}

TEST(Transfer, IsForgottenOnAbort) {
  EcuBench bench;
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  const auto assignment = *bench.vehicle.assignment(bench.order);
  MemoryImage image(kNew);
  ASSERT_TRUE(bench.ecu.link().stage(assignment, image));
  ASSERT_TRUE(bench.ecu.link().abort());
  EXPECT_EQ(verdict(bench.ecu.link().commit(assignment, image)), "message-out-of-order");
  EXPECT_EQ(bench.running(), bench.order.image);
}

// INS-7: what was verified and staged is finished after a restart, with metadata that has expired since.
TEST(Commit, NeedsNoMetadataAfterARestart) {
  EcuBench bench;
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  const auto assignment = *bench.vehicle.assignment(bench.order);
  MemoryImage image(kNew);
  ASSERT_TRUE(bench.ecu.link().stage(assignment, image));
  ASSERT_TRUE(bench.ecu.restart());
  bench.ecu.clock.time += std::chrono::hours(24 * 366);
  EXPECT_TRUE(bench.ecu.link().commit(assignment, image)->installed);
  EXPECT_EQ(bench.running(), kNew);
}

TEST(Commit, IsAnsweredAlikeWhenItsReplyWasLost) {
  EcuBench bench;
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.update());
  const auto again = bench.ecu.link().commit(
      *bench.vehicle.assignment(bench.order), *[] {
        static MemoryImage image(kNew);
        return &image;
      }());
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->installed);
}

// What was staged is not run once the director wants another image.
TEST(Commit, IsRefusedWhenNewerMetadataWantsAnotherImage) {
  EcuBench bench;
  bench.vehicle.release(bench.order, kName, kNew, 2);
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  MemoryImage image(kNew);
  const auto assignment = *bench.vehicle.assignment(bench.order);
  ASSERT_TRUE(bench.ecu.link().stage(assignment, image));
  bench.vehicle.release(bench.order, kName, "a better one", 3);
  ASSERT_TRUE(bench.ecu.link().put_metadata(bench.vehicle));
  EXPECT_EQ(verdict(bench.ecu.link().commit(assignment, image)), "message-out-of-order");
  EXPECT_EQ(bench.running(), bench.order.image);
}

TEST(Commit, SaysThatItRolledBack) {
  EcuBench bench;
  bench.vehicle.release(bench.order, kName, kNew, 2);
  bench.ecu.flash.damage_on_activate = true;
  const auto outcome = bench.update();
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->code, "rolled-back");
  EXPECT_EQ(bench.running().substr(0, 7), "factory");
}

// --- one slot: backup, loss, restore (INS-2b, INS-4, GAP-35)
// ------------------------------------------------

TEST(OneSlot, SaysSoAndGivesItsBackup) {  // INS-4
  EcuBench bench(Verification::Partial, Slots::One);
  EXPECT_FALSE(bench.ecu.link().report()->spare_slot);
  MemorySink backup;
  ASSERT_TRUE(bench.ecu.link().back_up(backup));
  EXPECT_EQ(as_text(backup.bytes), bench.order.image);
}

TEST(OneSlot, IsRestoredAfterABadImage) {  // INS-4, PVS-4
  EcuBench bench(Verification::Partial, Slots::One);
  bench.vehicle.release(bench.order, kName, kNew, 2);
  std::string wrong = kNew;
  wrong.back() = '!';
  const auto outcome = bench.update(wrong);
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_FALSE(outcome->installed);
  EXPECT_EQ(outcome->code, "image-lost");
  EXPECT_TRUE(bench.ecu.link().report()->image_lost);

  MemoryImage not_the_backup(std::string(bench.order.image.size(), 'x'));
  const auto refused = bench.ecu.link().restore(not_the_backup);
  EXPECT_TRUE(!refused || !refused->installed);
  EXPECT_TRUE(bench.ecu.link().report()->image_lost);

  MemoryImage backup(bench.order.image);
  const auto restored = bench.ecu.link().restore(backup);
  ASSERT_TRUE(restored) << summary(restored.error());
  EXPECT_EQ(restored->code, "restored");
  EXPECT_FALSE(bench.ecu.link().report()->image_lost);
  EXPECT_EQ(bench.running(), bench.order.image);
  EXPECT_NE(bench.attacks().find("image:image-hash-wrong"), std::string::npos);
}

TEST(OneSlot, RefusesARestoreThatNothingCallsFor) {
  EcuBench bench(Verification::Partial, Slots::One);
  MemoryImage image("whatever");
  EXPECT_EQ(verdict(bench.ecu.link().restore(image)), "message-out-of-order");
  EXPECT_EQ(bench.running(), bench.order.image);
}

TEST(TwoSlots, GiveNoBackup) {
  EcuBench bench;
  MemorySink backup;
  EXPECT_EQ(verdict(bench.ecu.link().back_up(backup)), "message-out-of-order");
  EXPECT_TRUE(backup.bytes.empty());
}

}  // namespace
}  // namespace cotter::client
