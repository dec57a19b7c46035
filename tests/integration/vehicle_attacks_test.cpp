// Attacks on real processes over TLS: each is refused by name, and no ECU changes.
#include <algorithm>

#include "common/host/system_clock.h"
#include "common/json/canonical.h"
#include "tests/integration/vehicle_world.h"
#include "tests/world/faketime.h"
#include "tests/world/tampered.h"

namespace cotter::world {
namespace {

class VehicleAttacks : public testing::Test {
 protected:
  VehicleWorld& vehicle = VehicleWorld::get();
  const world::Faketime faketime = must(world::Faketime::create());

  std::vector<std::string> slots() {
    std::vector<std::string> digests;
    for (const EcuPlan& ecu : vehicle.world().ecus()) digests.push_back(vehicle.active(ecu));
    return digests;
  }
  /// One cycle, which must be refused for this rule and change nothing.
  void expect_refused(const std::string& rule, const std::string& attack) {
    const auto before = slots();
    const Cycle cycle = vehicle.cycle();
    EXPECT_EQ(cycle.exit_code, 3);
    EXPECT_EQ(cycle.rule, rule);
    EXPECT_EQ(cycle.attack, attack);
    EXPECT_EQ(slots(), before);
  }
  /// An honest build, assigned; what an attack then keeps from being installed.
  fs::path honest_update(const EcuPlan& ecu) {
    fs::path file = vehicle.publish_next(ecu, 80'000);
    must(vehicle.world().assign(ecu, file));
    return file;
  }
  /// As libfaketime reads it, where TZ says UTC.
  static std::string this_second() {
    std::string time = format_utc(host::SystemClock().now());
    std::ranges::replace(time, 'T', ' ');
    time.pop_back();
    return "@" + time;
  }
  /// One cycle of a primary whose clock says something else.
  Command by_clock(const std::string& clock, std::map<std::string, std::string> environment) {
    environment.merge(faketime.environment(clock));
    return {vehicle.world().program("cotter-primary"),
            {"--config", (vehicle.world().ecu_dir(vehicle.gateway()) / "primary.toml").string(), "--once",
             "--json"},
            std::move(environment),
            {}};
  }
  /// When the attack has stopped, the vehicle recovers by itself.
  void expect_recovery(const EcuPlan& ecu, const fs::path& file) {
    EXPECT_EQ(vehicle.cycle().exit_code, 0);
    EXPECT_EQ(vehicle.active(ecu), sha256_of(file));
  }
  fs::path newest(const std::string& role) {
    fs::path found;
    std::uint64_t highest = 0;
    for (const auto& entry : fs::directory_iterator(vehicle.repo())) {
      const std::string name = entry.path().filename();
      if (!name.ends_with("." + role + ".json")) continue;
      const std::uint64_t version = std::stoull(name);
      if (version > highest) {
        highest = version;
        found = entry.path();
      }
    }
    return found;
  }
  fs::path stored_image(const EcuPlan& ecu, const fs::path& file) {
    const fs::path name = vehicle.repo() / "targets" / ecu.image_name(file);
    return name.parent_path() / (sha256_of(file) + "." + name.filename().string());
  }
  /// Which copy a client takes is its choice: all of them are tampered with.
  std::vector<fs::path> copies(const EcuPlan& ecu, const fs::path& file) {
    const fs::path one = stored_image(ecu, file);
    std::vector<fs::path> all;
    for (const auto& entry : fs::directory_iterator(one.parent_path())) {
      if (entry.path().filename().string().ends_with("." +
                                                     fs::path(ecu.image_name(file)).filename().string())) {
        all.push_back(entry.path());
      }
    }
    return all;
  }
};

TEST_F(VehicleAttacks, OlderImageChosenWithTheDirectorsKeysIsARollback) {  // DIR-46, ATK-17
  const EcuPlan& ecu = vehicle.adas();
  const fs::path newer = honest_update(ecu);
  expect_recovery(ecu, newer);
  auto rogue = vehicle.rogue();
  const TargetName older(ecu.image_name(ecu.before));
  must(rogue.choose(vehicle.vin(), EcuSerial(ecu.serial), older, must(rogue.published(older))));
  expect_refused("match-release-counter-lower", "rollback");
}

TEST_F(VehicleAttacks, ImageThatTheDirectorAloneSignedIsArbitrarySoftware) {  // FMT-95, ATK-26
  const EcuPlan& ecu = vehicle.adas();
  must(vehicle.rogue().choose(vehicle.vin(), EcuSerial(ecu.serial),
                              TargetName("driving/adas-mk2/invented.bin"),
                              RogueDirector::invented(to_bytes("malware"), HardwareId(ecu.hardware_id), 99)));
  expect_refused("match-image-unknown", "arbitrary-software");
}

TEST_F(VehicleAttacks, OtherBytesUnderAPublishedNameAreArbitrarySoftware) {  // ATK-26
  const EcuPlan& ecu = vehicle.adas();
  auto rogue = vehicle.rogue();
  const TargetName name(ecu.image_name(ecu.before));
  model::Target entry = must(rogue.published(name));
  entry.hashes = crypto::Hashes::of(Bytes(entry.length, 0x90));
  must(rogue.choose(vehicle.vin(), EcuSerial(ecu.serial), name, entry));
  expect_refused("match-hash-differs", "arbitrary-software");
}

TEST_F(VehicleAttacks, AnotherLengthUnderAPublishedNameIsArbitrarySoftware) {  // ATK-26
  const EcuPlan& ecu = vehicle.adas();
  auto rogue = vehicle.rogue();
  const TargetName name(ecu.image_name(ecu.before));
  model::Target entry = must(rogue.published(name));
  ++entry.length;
  must(rogue.choose(vehicle.vin(), EcuSerial(ecu.serial), name, entry));
  expect_refused("match-length-differs", "arbitrary-software");
}

TEST_F(VehicleAttacks, ImageOfOtherHardwareIsRefused) {  // ATK-29
  auto rogue = vehicle.rogue();
  const TargetName name(vehicle.gateway().image_name(vehicle.gateway().before));
  must(rogue.choose(vehicle.vin(), EcuSerial(vehicle.adas().serial), name, must(rogue.published(name))));
  expect_refused("match-hardware-wrong", "arbitrary-software");
}

TEST_F(VehicleAttacks, FactsChangedOnTheDirectorsSideAreMixAndMatch) {  // FMT-55
  const EcuPlan& ecu = vehicle.adas();
  auto rogue = vehicle.rogue();
  const TargetName name(ecu.image_name(ecu.before));
  model::Target entry = must(rogue.published(name));
  entry.custom.set("mustMatch",
                   model::MustMatch::of({HardwareId(ecu.hardware_id)}, ReleaseCounter(1'000)).all);
  must(rogue.choose(vehicle.vin(), EcuSerial(ecu.serial), name, entry));
  expect_refused("match-custom-differs", "mix-and-match");
}

TEST_F(VehicleAttacks, MetadataMixedFromTwoSnapshotsIsRefused) {  // ATK-13
  const EcuPlan& ecu = vehicle.adas();
  const fs::path update = honest_update(ecu);
  {
    const auto mirror = must(mixing_mirror(vehicle.repo()));
    expect_refused("snapshot-hash-wrong", "mix-and-match");
  }
  expect_recovery(ecu, update);
}

TEST_F(VehicleAttacks, OldTimestampReplayedByAMirrorIsARollback) {  // ATK-15
  const EcuPlan& ecu = vehicle.adas();
  const Bytes old = must(host::read_file(vehicle.repo() / "timestamp.json", 1 << 20));
  expect_recovery(ecu, honest_update(ecu));
  const fs::path update = honest_update(ecu);
  {
    const auto timestamp = must(Tampered::file(vehicle.repo() / "timestamp.json", old));
    expect_refused("timestamp-older-than-trusted", "rollback");
  }
  expect_recovery(ecu, update);
}

TEST_F(VehicleAttacks, TargetsWithABitFlippedAreMixAndMatch) {  // ATK-25
  const EcuPlan& ecu = vehicle.adas();
  const fs::path update = honest_update(ecu);
  Bytes flipped = must(host::read_file(newest("targets"), 1 << 23));
  flipped[flipped.size() / 2] ^= 1U;
  {
    const auto targets = must(Tampered::file(newest("targets"), flipped));
    expect_refused("targets-hash-wrong", "mix-and-match");
  }
  expect_recovery(ecu, update);
}

TEST_F(VehicleAttacks, EndlessTimestampIsCutOff) {  // ATK-22
  const EcuPlan& ecu = vehicle.adas();
  const fs::path update = honest_update(ecu);
  {
    const auto timestamp = must(Tampered::file(vehicle.repo() / "timestamp.json", Bytes(4'000'000, ' ')));
    expect_refused("file-too-large", "endless-data");
  }
  expect_recovery(ecu, update);
}

TEST_F(VehicleAttacks, RootThatNobodySignedIsRefused) {  // ATK-25
  const EcuPlan& ecu = vehicle.adas();
  const fs::path update = honest_update(ecu);
  const fs::path forged = vehicle.repo() / "2.root.json";
  must(host::write_atomically(forged, must(host::read_file(vehicle.repo() / "1.root.json", 1 << 20))));
  expect_refused("root-version-not-next", "rollback");
  fs::remove(forged);
  expect_recovery(ecu, update);
}

TEST_F(VehicleAttacks, ImageWithAByteChangedOnTheMirrorIsRefusedAndRefetched) {  // ATK-31
  const EcuPlan& ecu = vehicle.adas();
  const fs::path update = honest_update(ecu);
  for (const fs::path& copy : copies(ecu, update)) {
    Bytes changed = must(host::read_file(copy, 1 << 23));
    changed[100] ^= 1U;
    const fs::perms mode = fs::status(copy).permissions();
    must(host::write_atomically(copy, changed));
    fs::permissions(copy, mode);
  }
  expect_refused("image-hash-wrong", "arbitrary-software");
  for (const fs::path& copy : copies(ecu, update))
    must(host::write_atomically(copy, must(host::read_file(update, 1 << 23))));
  expect_recovery(ecu, update);
}

TEST_F(VehicleAttacks, MetadataIsNotTakenForFreshWhereTheTimeIsWithheld) {  // ATK-6, ATK-7, TIM-6
  const EcuPlan& ecu = vehicle.adas();
  const fs::path update = honest_update(ecu);
  const fs::path config = vehicle.world().ecu_dir(vehicle.gateway()) / "primary.toml";
  const Bytes honest = must(host::read_file(config, 1 << 16));
  std::string cut_off(as_text(honest));
  const auto url = cut_off.find("/time\"");
  ASSERT_NE(url, std::string::npos);
  cut_off.replace(url, 5, "/nowhere");
  {
    const auto without_time = must(Tampered::file(config, to_bytes(cut_off)));
    const auto before = slots();
    // Its clock says what would do; what it has counted is lost with the boot that faketime makes up: by a
    // whole time, and not one that is told as a distance, the uptime is the same as the time of day.
    const Ended ended = must(run(by_clock(this_second(), {{"TZ", "UTC"}})));
    EXPECT_EQ(ended.exit_code, 3);
    EXPECT_NE(ended.out.find("time-not-attested"), std::string::npos) << ended.out << ended.err;
    EXPECT_NE(ended.out.find("\"freeze\""), std::string::npos) << ended.out;
    EXPECT_EQ(slots(), before);
  }
  expect_recovery(ecu, update);
}

/// The clock of a vehicle says whatever it says: the director's time source counts, from before the server's
/// certificate was there to years after it expired.
TEST_F(VehicleAttacks,
       UpdateHappensByAttestedTimeWhateverTheVehiclesClockSays) {  // TIM-1, TIM-2, TIM-6, PRI-2, PRI-11
  for (const char* clock : {"@2001-01-01 00:00:00", "+20y"}) {
    for (const bool counts : {true, false}) {  // on from the last answer; or it has just been switched on
      const EcuPlan& ecu = vehicle.adas();
      const fs::path update = honest_update(ecu);
      const std::map<std::string, std::string> counting = {{"FAKETIME_DONT_FAKE_MONOTONIC", "1"}};
      const Ended ended = must(run(by_clock(clock, counts ? counting : decltype(counting){})));
      EXPECT_EQ(ended.exit_code, 0) << clock << counts << ended.out << ended.err;
      EXPECT_EQ(vehicle.active(ecu), sha256_of(update)) << clock << counts;
      const std::string inventory = json::to_text(must(vehicle.world().inventory()));
      EXPECT_EQ(inventory.find("\"quarantined\":true"), std::string::npos) << inventory;
    }
  }
}

TEST_F(VehicleAttacks, ReportOfAnEcuWithAnotherKeyIsNoConfirmation) {  // PRI-10, ATK-43, ATK-45
  World& world = vehicle.world();
  const EcuPlan& ecu = vehicle.adas();
  const fs::path key = world.ecu_dir(ecu) / "ecu.key";
  const Bytes honest = must(host::read_file(key, 4096));
  world.secondary(ecu.serial).stop();
  must(host::write_atomically(key, must(host::read_file(world.ecu_dir(vehicle.brake()) / "ecu.key", 4096)),
                              0600));
  must(world.start_secondary(ecu));
  static_cast<void>(vehicle.cycle());
  const std::string inventory = json::to_text(must(world.inventory()));
  EXPECT_NE(inventory.find("forged-report"), std::string::npos) << inventory;
  world.secondary(ecu.serial).stop();
  must(host::write_atomically(key, honest, 0600));
  must(world.start_secondary(ecu));
}

}  // namespace
}  // namespace cotter::world
