// One cycle of the primary, step by step: whom it talks to, in which order, and what it says afterwards. That
// each attack is refused stands in tests/scenarios.
#include "client/primary/update_cycle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "client/install/floor_records.h"
#include "common/disk/posix_disk.h"
#include "common/json/strict_reader.h"
#include "tests/sim/temp_dir.h"
#include "tests/sim/vehicle_sim.h"

namespace cotter::client {
namespace {

using sim::EcuOrder;
using sim::EcuSim;
using sim::VehicleSim;
using Lines = std::vector<std::string>;

/// What the primary asks a repository for, as lines: "director timestamp.json".
class SpiedTransport final : public trust::Transport {
 public:
  SpiedTransport(sim::RepositorySim& repository, std::string name, Lines& log)
      : repository_(repository), name_(std::move(name)), log_(log) {}
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override {
    log_.push_back(name_ + " " + std::string(path));
    return repository_.get(path, max_bytes);
  }

 private:
  sim::RepositorySim& repository_;
  std::string name_;
  Lines& log_;
};

/// A clock that is put a year ahead when it has been looked at.
struct LeapingClock final : Clock {
  explicit LeapingClock(UtcTime start) : time(start) {}
  [[nodiscard]] UtcTime now() const override {
    return std::exchange(looked_at, true) ? time + std::chrono::hours(24 * 366) : time;
  }
  UtcTime time;
  mutable bool looked_at = false;
};

/// A vehicle of a gateway (the primary), a full ECU and a partial one without a spare slot, and a log of all
/// that its primary does.
struct Bench final : Uplink {
  Bench() {
    COTTER_ASSERT(floors.begin_anew());
    for (const EcuOrder& order : {gateway, brake, door}) {
      const std::string serial = order.identity.serial.value();
      ecus[serial] = std::make_unique<EcuSim>(order, vehicle.now);
      known.push_back({order.identity.serial, order.identity.hardware_id,
                       sim::SimKey("ecu/" + serial).public_key(), order.release_counter});
      links[order.identity.serial] = std::make_unique<LoopbackLink>(
          [this, serial](const wire::Request& request) { return carry(serial, request); });
    }
  }
  CycleOutcome cycle() {
    EXPECT_TRUE(store.provision(known));
    VehicleTime time = *VehicleTime::open({store, links, *this, uptime, nonces}, vehicle.vin);
    sim::SimKey key("ecu/GATEWAY");
    VehicleIdentity identity{vehicle.vin, gateway.identity.serial, {}, {}};
    if (provisioned) {
      identity.director_root = gateway.identity.director_root;
      identity.image_root = gateway.identity.image_root;
    }
    UpdateCycle one(std::move(identity),
                    {store, images, links, *this, time, *clock, key, [this](const Rejection& rejection) {
                       ecus.at("GATEWAY")->core().note_attack(rejection);
                     }});
    auto outcome = one.run_once();
    EXPECT_TRUE(outcome) << summary(outcome.error());
    return outcome ? *std::move(outcome) : CycleOutcome{};
  }
  wire::Reply carry(const std::string& serial, const wire::Request& request) {
    if (serial == silent) return wire::Failed{Fault::Kind::Timeout, "no answer"};
    if (std::holds_alternative<wire::ReportRequest>(request)) log.push_back(serial + " report");
    if (std::holds_alternative<wire::MetadataOffer>(request)) log.push_back(serial + " metadata");
    if (std::holds_alternative<wire::StageBegin>(request)) log.push_back(serial + " stage");
    if (std::holds_alternative<wire::Commit>(request)) log.push_back(serial + " commit");
    return ecus.at(serial)->ask(request);
  }
  [[nodiscard]] bool did(const std::string& what) const {
    return std::ranges::any_of(log,
                               [&](const std::string& line) { return line.find(what) != std::string::npos; });
  }
  /// `earlier` happened, and for the last time before `later` did for the first time.
  [[nodiscard]] bool in_order(const std::string& earlier, const std::string& later) const {
    const auto last = std::find(log.rbegin(), log.rend(), earlier);
    const auto first = std::find(log.begin(), log.end(), later);
    return last != log.rend() && first != log.end() && last.base() <= first;
  }

  trust::Transport& director() override { return director_files; }
  trust::Transport& director_roots() override { return director_files; }
  trust::Transport& image_repository() override { return image_files; }
  Result<Bytes> attest_time(ByteView) override {
    return fault(Fault::Kind::Network, "no source of time is listed");
  }
  void go_by(UtcTime) override {}
  Result<void> send_manifest(ByteView manifest) override {
    log.emplace_back("manifest");
    const json::Value document = TRY(json::read(manifest));
    manifests.push_back(TRY(model::VehicleManifest::decode(*document.as_object()->find("signed"))));
    manifest_texts.emplace_back(as_text(manifest));
    return {};
  }
  Result<void> download(const trust::Assignment& assignment, std::uint64_t offset,
                        const std::function<Result<void>(ByteView)>& sink) override {
    log.push_back("download " + assignment.name().value());
    return sink(ByteView(served_images.at(assignment.name().value())).subspan(offset));
  }
  void release(const EcuOrder& order, const std::string& name, const std::string& content) {
    vehicle.release(order, TargetName(name), content, 2);
    served_images[name] = to_bytes(content);
  }

  VehicleSim vehicle{"VIN1"};
  EcuOrder gateway = vehicle.order("GATEWAY", Verification::Full);
  EcuOrder brake = vehicle.order("BRAKE", Verification::Full);
  EcuOrder door = vehicle.order("DOOR", Verification::Partial, Slots::One);
  std::map<std::string, std::unique_ptr<EcuSim>> ecus;
  std::vector<KnownEcu> known;
  bool provisioned = true;  ///< with the factory's roots
  std::string silent;       ///< the ECU that does not answer
  Lines log;
  SpiedTransport director_files{vehicle.director, "director", log};
  SpiedTransport image_files{vehicle.image, "image", log};
  std::map<std::string, Bytes> served_images;
  std::vector<model::VehicleManifest> manifests;
  Lines manifest_texts;
  sim::TempDir dir;
  disk::PosixDisk disk;
  FloorFiles floors{disk, (dir.path() / "floors").string()};
  PrimaryStore store = *PrimaryStore::open(disk, dir.path() / "primary.db", floors);
  ImageStore images = *ImageStore::open(disk, dir.path());
  sim::SteppedClock stopped_clock{vehicle.now};
  const Clock* clock = &stopped_clock;
  sim::SteppedUptime uptime;
  sim::CountedNonces nonces{"vehicle"};
  Links links;
};

TEST(UpdateCycle, GoesFromReportsToReportsStepByStep) {  // INS-1, PRI-12, PRI-16
  Bench bench;
  bench.release(bench.brake, "team/brake/2.bin", "brake two");
  bench.release(bench.door, "team/door/2.bin", "door two");
  const CycleOutcome outcome = bench.cycle();
  ASSERT_FALSE(outcome.stopped) << summary(*outcome.stopped);
  EXPECT_TRUE(outcome.all_installed());
  const Lines steps = {"manifest",          "director 2.root.json", "director timestamp.json",
                       "image 2.root.json", "image timestamp.json", "download team/brake/2.bin",
                       "DOOR metadata",     "DOOR stage",           "DOOR commit"};
  EXPECT_EQ(bench.log[0] + bench.log[1] + bench.log[2], "BRAKE reportDOOR reportGATEWAY report");
  EXPECT_EQ(bench.log.back(), "manifest") << "and again, when all is done";
  bench.log.pop_back();
  for (std::size_t i = 1; i < steps.size(); ++i) {
    EXPECT_TRUE(bench.in_order(steps[i - 1], steps[i])) << steps[i - 1] << ", then " << steps[i];
  }
  EXPECT_EQ(bench.ecus.at("BRAKE")->flash.running(), "brake two");
  EXPECT_EQ(bench.ecus.at("DOOR")->flash.running(), "door two") << "streamed over what ran";
  EXPECT_EQ(bench.manifests.back().reports.size(), 3U);
}

TEST(UpdateCycle, JudgesAllFilesByOneTime) {  // VER-TIME
  Bench bench;
  bench.release(bench.brake, "team/brake/2.bin", "brake two");
  const LeapingClock leaping(bench.vehicle.now);
  bench.clock = &leaping;
  const CycleOutcome outcome = bench.cycle();
  ASSERT_FALSE(outcome.stopped) << summary(*outcome.stopped);
  EXPECT_EQ(bench.ecus.at("BRAKE")->flash.running(), "brake two");
  ASSERT_TRUE(bench.cycle().stopped) << "and the next cycle by its own";
}

TEST(UpdateCycle, ChecksAllBeforeItFetchesAnythingAndReportsWhatItRefused) {  // PRI-12, PRI-17, INS-1
  Bench bench;
  bench.release(bench.brake, "team/brake/2.bin", "brake two");
  bench.vehicle.assign(bench.door, TargetName("team/door/2.bin"), "malware", 2);
  const CycleOutcome outcome = bench.cycle();
  ASSERT_TRUE(outcome.stopped);
  EXPECT_EQ(rejection_in(*outcome.stopped)->rule, RuleId::MatchImageUnknown);
  EXPECT_FALSE(bench.did("download"));
  EXPECT_FALSE(bench.did("metadata"));
  ASSERT_EQ(bench.manifests.size(), 2U);
  EXPECT_NE(bench.manifest_texts.back().find("match-image-unknown"), std::string::npos);
}

TEST(UpdateCycle, HandsNothingOnWhenOneImageIsWrong) {  // PRI-17, PRI-20
  Bench bench;
  bench.release(bench.brake, "team/brake/2.bin", "brake two");
  bench.release(bench.door, "team/door/2.bin", "door two");
  bench.served_images["team/door/2.bin"] = to_bytes("door 2!!");
  const CycleOutcome outcome = bench.cycle();
  ASSERT_TRUE(outcome.stopped);
  EXPECT_EQ(rejection_in(*outcome.stopped)->rule, RuleId::ImageHashWrong);
  EXPECT_TRUE(bench.did("download"));
  EXPECT_FALSE(bench.did("metadata"));
  EXPECT_FALSE(bench.did("stage"));
}

/// A new key for the director's targets, and all that follows from it.
void rotate_directors_key(Bench& bench) {
  bench.vehicle.director.rotate(model::targets_role());
  bench.vehicle.director.publish(model::root_role());
  bench.vehicle.director.release({model::targets_role()});
}

TEST(UpdateCycle, TellsEcusWithoutAnImageOfChangesAndOnceADay) {  // PRI-15, GAP-8
  Bench bench;
  bench.release(bench.brake, "team/brake/2.bin", "brake two");
  bench.cycle();
  EXPECT_TRUE(bench.did("DOOR metadata"));
  EXPECT_TRUE(bench.did("GATEWAY metadata"));
  bench.log.clear();
  bench.cycle();
  EXPECT_FALSE(bench.did("metadata")) << "nothing has changed: no ECU is woken";
  rotate_directors_key(bench);
  bench.cycle();
  EXPECT_TRUE(bench.did("BRAKE metadata"));
  EXPECT_TRUE(bench.did("DOOR metadata"));
  bench.log.clear();
  bench.stopped_clock.time += std::chrono::hours(24);
  bench.cycle();
  EXPECT_TRUE(bench.did("DOOR metadata"));
}

TEST(UpdateCycle, TellsThemLaterWhatAFailedCycleBrought) {  // PRI-15
  Bench bench;
  bench.cycle();
  rotate_directors_key(bench);
  bench.release(bench.brake, "team/brake/2.bin", "brake two");
  bench.served_images["team/brake/2.bin"] = to_bytes("brake 2!!");
  bench.log.clear();
  EXPECT_TRUE(bench.cycle().stopped);
  EXPECT_FALSE(bench.did("metadata"));
  bench.served_images["team/brake/2.bin"] = to_bytes("brake two");
  EXPECT_FALSE(bench.cycle().stopped);
  EXPECT_TRUE(bench.did("DOOR metadata"));
}

TEST(UpdateCycle, SendsEveryReportAndNamesTheForgedAndTheMissing) {  // PRI-10, FMT-81
  Bench bench;
  bench.known[1].key = sim::SimKey("another ECU's").public_key();
  bench.silent = "DOOR";
  static_cast<void>(bench.cycle());
  const model::VehicleManifest& manifest = bench.manifests.at(0);
  EXPECT_EQ(manifest.vin, bench.vehicle.vin);
  EXPECT_EQ(manifest.primary, EcuSerial("GATEWAY"));
  ASSERT_EQ(manifest.reports.size(), 1U);
  EXPECT_TRUE(manifest.reports.contains(EcuSerial("GATEWAY"))) << "its own";
  ASSERT_TRUE(manifest.rejected.contains(EcuSerial("BRAKE")));
  EXPECT_TRUE(
      model::verify_report(manifest.rejected.at(EcuSerial("BRAKE")), sim::SimKey("ecu/BRAKE").public_key()))
      << "passed on as it came";
  EXPECT_NE(manifest.missing.at(EcuSerial("DOOR")).find("no answer"), std::string::npos);
}

TEST(UpdateCycle, UpdatesNothingWithoutItsPinnedRoots) {  // PRI-1, VER-1
  Bench bench;
  bench.provisioned = false;
  bench.release(bench.brake, "team/brake/2.bin", "brake two");
  const CycleOutcome outcome = bench.cycle();
  ASSERT_TRUE(outcome.stopped);
  EXPECT_TRUE(is_fault(*outcome.stopped, Fault::Kind::NotFound));
  EXPECT_FALSE(bench.did("director"));
  EXPECT_FALSE(bench.did("image"));
  EXPECT_FALSE(bench.manifests.empty()) << "and yet it says so";
}

}  // namespace
}  // namespace cotter::client
