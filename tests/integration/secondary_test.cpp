// The real cotter-secondary over TCP: provisioned, updated, killed, lied to. FVS-1 to FVS-10, PVS-1 to PVS-8,
// ATK-5, ATK-23, ATK-29, ATK-47, ATK-49.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "client/links/tcp_link.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "tests/sim/temp_dir.h"
#include "tests/sim/vehicle_sim.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/world/process.h"

namespace cotter::client {
namespace {

namespace fs = std::filesystem;
using sim::MemoryImage;
using sim::MemorySink;
using sim::VehicleSim;
using test::verdict;

const std::string kNew = std::string(1'000'000, 'n') + " the new image";

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
void write_file(const fs::path& file, ByteView content) {
  std::ofstream(file, std::ios::binary) << as_text(content);
}
UtcTime real_now() {
  return std::chrono::time_point_cast<std::chrono::seconds>(std::chrono::system_clock::now());
}

/// Hands out an image, and does something when a byte past the middle is asked for.
struct WatchedImage final : ImageSource {
  WatchedImage(std::string_view content, std::function<void()> at_the_middle)
      : image(content), happening(std::move(at_the_middle)) {}
  [[nodiscard]] std::uint64_t size() const override { return image.size(); }
  Result<Bytes> read(std::uint64_t offset, std::size_t max) override {
    if (!first_offset) first_offset = offset;
    if (offset > size() / 2 && happening) std::exchange(happening, nullptr)();
    return image.read(offset, max);
  }
  MemoryImage image;
  std::function<void()> happening;
  std::optional<std::uint64_t> first_offset;
};

/// One ECU's folder and its process.
class Ecu {
 public:
  Ecu(const fs::path& dir, const VehicleSim& vehicle, const std::string& serial, Verification verification,
      Slots slots)
      : order(vehicle.order(serial, verification, slots)), dir_(dir / serial) {
    write_file(dir / (serial + ".bin"), as_bytes(order.image));
    write_file(dir / "director.json", order.identity.director_root);
    write_file(dir / "image.json", vehicle.image.files.at("1.root.json"));
    words_ = {"provision",       dir_.string(),
              "--vin",           vehicle.vin.value(),
              "--serial",        serial,
              "--hardware-id",   order.identity.hardware_id.value(),
              "--verification",  verification == Verification::Full ? "full" : "partial",
              "--director-root", (dir / "director.json").string(),
              "--image-root",    (dir / "image.json").string(),
              "--image",         (dir / (serial + ".bin")).string(),
              "--image-name",    order.image_name.value(),
              "--listen",        "127.0.0.1:0"};
    if (slots == Slots::One) words_.emplace_back("--no-spare-slot");
  }
  Result<world::Ended> provision() { return world::run({COTTER_SECONDARY, words_, {}, log()}); }

  void start() {
    auto daemon =
        world::Daemon::start({COTTER_SECONDARY, {"--config", (dir_ / "ecu.toml").string()}, {}, log()});
    ASSERT_TRUE(daemon) << summary(daemon.error());
    adopt(std::move(*daemon));
  }
  void start_min() {
    auto daemon = world::Daemon::start({COTTER_SECONDARY_MIN,
                                        {dir_.string(), "127.0.0.1", "0", order.identity.vin.value(),
                                         order.identity.serial.value(), order.identity.hardware_id.value()},
                                        {},
                                        log()});
    ASSERT_TRUE(daemon) << summary(daemon.error());
    adopt(std::move(*daemon));
  }
  void kill() { daemon_->kill(); }
  void restart() {
    kill();
    start();
  }

  TcpLink& link() { return *link_; }
  [[nodiscard]] const TcpAddress& address() const { return address_; }
  [[nodiscard]] const fs::path& dir() const { return dir_; }
  [[nodiscard]] fs::path log() const { return dir_.parent_path() / "log"; }
  [[nodiscard]] std::string running() const { return content_of(dir_ / "active"); }
  Result<model::VersionReport> report() {
    const json::Value document = TRY(json::read(TRY(link().report()).report));
    return model::VersionReport::decode(*document.as_object()->find("signed"));
  }
  Result<InstallOutcome> update(VehicleSim& vehicle, ImageSource& image) {
    TRY(link().put_metadata(vehicle));
    const trust::Assignment assignment = TRY(vehicle.assignment(order));
    TRY(link().stage(assignment, image));
    return link().commit(assignment, image);
  }
  Result<InstallOutcome> update(VehicleSim& vehicle, const std::string& content = kNew) {
    MemoryImage image(content);
    return update(vehicle, image);
  }

  sim::EcuOrder order;

 private:
  void adopt(world::Daemon daemon) {
    daemon_.emplace(std::move(daemon));
    const auto line = daemon_->read_line();
    ASSERT_TRUE(line) << summary(line.error()) << content_of(log());
    const std::string ready = "listening on ";
    ASSERT_TRUE(line->starts_with(ready)) << *line;
    address_ = *parse_tcp_address(line->substr(ready.size()));
    link_.emplace(address_);
  }
  fs::path dir_;
  std::vector<std::string> words_;
  std::optional<world::Daemon> daemon_;
  TcpAddress address_;
  std::optional<TcpLink> link_;
};

class Secondary : public testing::Test {
 protected:
  Secondary() : vehicle_("VIN1", real_now()) {}
  std::unique_ptr<Ecu> made(const std::string& serial = "ecu1",
                            Verification verification = Verification::Full, Slots slots = Slots::Two) {
    auto ecu = std::make_unique<Ecu>(temp_.path(), vehicle_, serial, verification, slots);
    const auto provisioned = ecu->provision();
    EXPECT_TRUE(provisioned && provisioned->exit_code == 0) << content_of(ecu->log());
    return ecu;
  }
  std::unique_ptr<Ecu> started(Verification verification = Verification::Full, Slots slots = Slots::Two) {
    auto ecu = made("ecu1", verification, slots);
    ecu->start();
    return ecu;
  }
  TargetName name_for(const Ecu& ecu) {
    return TargetName("team/" + ecu.order.identity.serial.value() + "/new.bin");
  }
  void release(const Ecu& ecu, const std::string& content = kNew, std::uint64_t counter = 2) {
    vehicle_.release(ecu.order, name_for(ecu), content, counter);
  }

  sim::TempDir temp_;
  VehicleSim vehicle_;
};

// --- the factory ------------------------------------------------------------------------------------------

TEST_F(Secondary, IsProvisionedWithItsPartOfTheVehicleRecord) {  // PRI-1, PVS-1, PVS-7
  Ecu ecu(temp_.path(), vehicle_, "ecu1", Verification::Partial, Slots::One);
  const auto ended = ecu.provision();
  ASSERT_TRUE(ended);
  ASSERT_EQ(ended->exit_code, 0) << content_of(ecu.log());
  const json::Value record = *json::read(as_bytes(ended->out));
  const auto view = *json::ObjectView::of(record, "record");
  EXPECT_EQ(*view.string("serial"), "ecu1");
  EXPECT_EQ(*view.string("hardware_id"), "hw-ecu1");
  EXPECT_EQ(*view.string("verification"), "partial");
  EXPECT_FALSE(*view.boolean("primary"));
  EXPECT_EQ(*view.integer("release_counter"), 0U);
  EXPECT_EQ(*view.object("installed_image")->integer("length"), ecu.order.image.size());

  struct stat key {};
  ASSERT_EQ(::stat((ecu.dir() / "ecu.key").c_str(), &key), 0);
  EXPECT_EQ(key.st_mode & 0777U, 0600U);
  EXPECT_EQ(fs::read_symlink(ecu.dir() / "active"), "slots/a.bin");
  EXPECT_FALSE(fs::exists(ecu.dir() / "slots/b.bin"));

  ecu.start();
  const json::Value document = *json::read(ecu.link().report()->report);
  const auto key_there = crypto::PublicKey::decode(**view.value("key"), crypto::Profile::Vehicle);
  EXPECT_TRUE(model::verify_report(document, *key_there));
}

TEST_F(Secondary, IsNeverProvisionedTwice) {
  Ecu ecu(temp_.path(), vehicle_, "ecu1", Verification::Full, Slots::Two);
  ASSERT_EQ(ecu.provision()->exit_code, 0);
  const std::string key = content_of(ecu.dir() / "ecu.key");
  EXPECT_EQ(ecu.provision()->exit_code, 1);
  EXPECT_EQ(content_of(ecu.dir() / "ecu.key"), key);
}

TEST_F(Secondary, LeavesNothingWhenProvisioningFails) {  // FVS-1
  Ecu ecu(temp_.path(), vehicle_, "ecu1", Verification::Full, Slots::Two);
  write_file(temp_.path() / "director.json", as_bytes("{\"signed\":{},\"signatures\":[]}"));
  EXPECT_EQ(ecu.provision()->exit_code, 3);
  EXPECT_FALSE(fs::exists(ecu.dir()));
  fs::remove(temp_.path() / "director.json");
  EXPECT_EQ(ecu.provision()->exit_code, 4);
  EXPECT_FALSE(fs::exists(ecu.dir()));
  Ecu full(temp_.path(), vehicle_, "ecu2", Verification::Full, Slots::Two);
  fs::remove(temp_.path() / "image.json");
  EXPECT_EQ(full.provision()->exit_code, 4) << "it needs the image repository's root too";
  EXPECT_FALSE(fs::exists(full.dir()));
}

TEST_F(Secondary, SaysWhatIsWrongWithItsConfiguration) {
  const auto ecu = made();
  const auto run = [&](const std::string& toml) {
    write_file(ecu->dir() / "ecu.toml", as_bytes(toml));
    return *world::run({COTTER_SECONDARY, {"--config", (ecu->dir() / "ecu.toml").string()}, {}, {}});
  };
  const world::Ended unknown =
      run("vin = \"V\"\nserial = \"s\"\nhardware_id = \"h\"\nverification = \"full\"\n"
          "listen = \"127.0.0.1:0\"\nlisten_port = 1\n");
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_NE(unknown.err.find("line 6"), std::string::npos) << unknown.err;
  EXPECT_EQ(run("vin = \"V\"\n").exit_code, 2);
  EXPECT_EQ(run("vin = \n").exit_code, 2);
}

TEST_F(Secondary, RunsOnceInOneFolder) {
  const auto ecu = started();
  const auto second =
      world::run({COTTER_SECONDARY, {"--config", (ecu->dir() / "ecu.toml").string()}, {}, {}});
  EXPECT_EQ(second->exit_code, 1);
  EXPECT_TRUE(ecu->link().report());
}

// --- updates ----------------------------------------------------------------------------------------------

TEST_F(Secondary, OfEveryKindTakesAnUpdate) {  // PRI-16
  for (const auto verification : {Verification::Full, Verification::Partial}) {
    for (const auto slots : {Slots::Two, Slots::One}) {
      const std::string serial =
          "ecu" + std::to_string(static_cast<int>(verification)) + std::to_string(static_cast<int>(slots));
      const auto ecu = made(serial, verification, slots);
      ecu->start();
      release(*ecu);
      const auto outcome = ecu->update(vehicle_);
      ASSERT_TRUE(outcome) << summary(outcome.error());
      EXPECT_TRUE(outcome->installed);
      EXPECT_EQ(ecu->running(), kNew);
      const auto report = ecu->report();
      EXPECT_EQ(report->installed.hashes, crypto::Hashes::of(as_bytes(kNew)));
      EXPECT_EQ(report->attacks_detected, "");
    }
  }
}

TEST_F(Secondary, InItsSmallestFormTakesAnUpdate) {  // PVS-9
  const auto ecu = made("ecu1", Verification::Partial);
  ecu->start_min();
  release(*ecu);
  const auto outcome = ecu->update(vehicle_);
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_EQ(ecu->running(), kNew);
}

// ATK-49: kill -9 in the middle of a transfer; the next one goes on from there.
TEST_F(Secondary, GoesOnWithATransferAfterBeingKilled) {
  const auto ecu = started();
  const std::string large(3'000'000, 'n');
  release(*ecu, large, 2);
  WatchedImage cut(large, [&] { ecu->kill(); });
  EXPECT_EQ(verdict(ecu->update(vehicle_, cut)), "fault");
  EXPECT_EQ(ecu->running(), ecu->order.image);
  ecu->start();
  WatchedImage rest(large, nullptr);
  const auto outcome = ecu->update(vehicle_, rest);
  ASSERT_TRUE(outcome) << summary(outcome.error());
  EXPECT_GE(rest.first_offset.value_or(0), 1024U * 1024);  // its last checkpoint
  EXPECT_EQ(ecu->running(), large);
}

TEST_F(Secondary, RunsTheOldImageOrTheNewWhenKilledWhileItCommits) {
  const auto ecu = started();
  std::string before = ecu->order.image;
  std::uint64_t last_counter = 0;
  for (std::uint64_t round = 2; round < 12; ++round) {
    const std::string next = kNew + std::to_string(round);
    release(*ecu, next, round);
    ASSERT_TRUE(ecu->link().put_metadata(vehicle_));
    MemoryImage image(next);
    ASSERT_TRUE(ecu->link().stage(*vehicle_.assignment(ecu->order), image));
    Socket caller = *Socket::connect(ecu->address().host, ecu->address().port, std::chrono::seconds(5));
    ecu->link() = TcpLink(ecu->address());  // hangs up, so that the caller is served
    ASSERT_TRUE(caller.send(wire::encode(wire::Request(wire::Commit{})), std::chrono::seconds(5)));
    if (round % 2 == 0) static_cast<void>(caller.receive(1, std::chrono::milliseconds(round)));
    ecu->restart();
    const std::string now = ecu->running();
    EXPECT_TRUE(now == before || now == next);
    const auto report = ecu->report();
    ASSERT_TRUE(report);
    EXPECT_EQ(report->installed.hashes, crypto::Hashes::of(as_bytes(now)));
    EXPECT_GT(report->counter, last_counter);
    last_counter = report->counter;
    before = now;
  }
}

TEST_F(Secondary, WithOneSlotIsRestoredAfterBeingKilledWhileItIsOverwritten) {  // INS-4
  const auto ecu = started(Verification::Partial, Slots::One);
  MemorySink backup;
  ASSERT_TRUE(ecu->link().back_up(backup));
  release(*ecu);
  WatchedImage cut(kNew, [&] { ecu->kill(); });
  EXPECT_EQ(verdict(ecu->update(vehicle_, cut)), "fault");
  ecu->start();
  EXPECT_TRUE(ecu->link().report()->image_lost);
  MemoryImage kept(as_text(backup.bytes));
  const auto restored = ecu->link().restore(kept);
  ASSERT_TRUE(restored) << summary(restored.error());
  EXPECT_EQ(ecu->running(), ecu->order.image);
  EXPECT_FALSE(ecu->link().report()->image_lost);
  ASSERT_TRUE(ecu->update(vehicle_));
  EXPECT_EQ(ecu->running(), kNew);
}

TEST_F(Secondary, ForgetsWhatWasStagedOnAbort) {
  const auto ecu = started();
  release(*ecu);
  ASSERT_TRUE(ecu->link().put_metadata(vehicle_));
  MemoryImage image(kNew);
  ASSERT_TRUE(ecu->link().stage(*vehicle_.assignment(ecu->order), image));
  ASSERT_TRUE(ecu->link().abort());
  EXPECT_EQ(verdict(ecu->link().commit(*vehicle_.assignment(ecu->order), image)), "message-out-of-order");
  EXPECT_EQ(ecu->running(), ecu->order.image);
  EXPECT_EQ(fs::file_size(ecu->dir() / "slots/b.bin"), 0U);
}

// --- a primary in wrong hands -----------------------------------------------------------------------------

TEST_F(Secondary, RefusesAWrongImage) {
  const auto ecu = started();
  release(*ecu);
  std::string wrong = kNew;
  wrong[700'000] = 'N';
  EXPECT_EQ(verdict(ecu->update(vehicle_, wrong)), "image-hash-wrong");
  EXPECT_EQ(verdict(ecu->update(vehicle_, kNew + "!")), "image-too-long");
  EXPECT_EQ(ecu->running(), ecu->order.image);
  EXPECT_EQ(ecu->report()->attacks_detected, "image:image-hash-wrong,image:image-too-long");
}

TEST_F(Secondary, RefusesTheImageOfItsNeighbour) {  // ATK-29
  const auto one = made("ecu1");
  const auto two = made("ecu2", Verification::Partial);
  one->start();
  two->start();
  release(*one, "for the first", 2);
  release(*two, "for the second", 2);
  ASSERT_TRUE(one->link().put_metadata(vehicle_));
  ASSERT_TRUE(two->link().put_metadata(vehicle_));
  MemoryImage first("for the first");
  MemoryImage second("for the second");
  EXPECT_EQ(verdict(one->link().stage(*vehicle_.assignment(two->order), second)), "ecu-other-image");
  EXPECT_EQ(verdict(two->link().stage(*vehicle_.assignment(one->order), first)), "ecu-other-image");
  EXPECT_TRUE(one->link().stage(*vehicle_.assignment(one->order), first));
}

TEST_F(Secondary, RefusesMetadataOfAnotherVehicle) {  // ATK-9
  const auto ecu = started(Verification::Partial);
  VehicleSim other("VIN2", real_now());
  other.release(ecu->order, name_for(*ecu), kNew, 2);
  EXPECT_EQ(verdict(ecu->link().put_metadata(other)), "threshold-not-met") << "each sim has its own keys";
  release(*ecu);
  vehicle_.director.bind_to(VehicleId("VIN2"));
  vehicle_.director.release({model::targets_role()});
  EXPECT_EQ(verdict(ecu->link().put_metadata(vehicle_)), "director-other-vehicle");
}

TEST_F(Secondary, HangsUpOnAnOversizeFrame) {  // ATK-23
  const auto ecu = started();
  Socket caller = *Socket::connect(ecu->address().host, ecu->address().port, std::chrono::seconds(5));
  ASSERT_TRUE(caller.send(*from_hex("43740106ffffffff"), std::chrono::seconds(5)));
  const wire::Header header =
      *wire::read_header(*caller.receive(wire::kHeaderSize, std::chrono::seconds(5)), wire::kMaxPayload);
  const auto reply = wire::decode_reply(header.type, *caller.receive(header.length, std::chrono::seconds(5)));
  EXPECT_EQ(std::get<wire::Refused>(*reply).rule, "frame-too-large");
  EXPECT_TRUE(is_fault(caller.receive(1, std::chrono::seconds(5)).error(), Fault::Kind::NotFound));
  EXPECT_EQ(ecu->report()->attacks_detected, "message:frame-too-large");
}

TEST_F(Secondary, HangsUpOnWhatIsNoFrame) {
  const auto ecu = started();
  for (const char* noise :
       {"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x01\x01\x01\x01", "Ct\x01\x7f\0\0\0\0"}) {
    Socket caller = *Socket::connect(ecu->address().host, ecu->address().port, std::chrono::seconds(5));
    static_cast<void>(
        caller.send(as_bytes(std::string(noise) + std::string(8, '\0')), std::chrono::seconds(5)));
    while (caller.receive(1, std::chrono::seconds(5))) {
    }
  }
  EXPECT_EQ(ecu->report()->attacks_detected, "message:frame-malformed");
}

/// An ECU that waits a second and no longer.
void make_impatient(const Ecu& ecu) {
  std::string toml = content_of(ecu.dir() / "ecu.toml");
  for (const std::string limit : {"idle_seconds = 15", "frame_seconds = 5"}) {
    const auto at = toml.find(limit);
    ASSERT_NE(at, std::string::npos);
    toml.replace(at, limit.size(), limit.substr(0, limit.find('=')) + "= 1");
  }
  write_file(ecu.dir() / "ecu.toml", as_bytes(toml));
}

// ATK-5: who announces bytes and does not send them loses the connection in bounded time; FVS-9 reports it.
TEST_F(Secondary, WaitsForNobodyLongerThanItMust) {
  const auto ecu = made();
  make_impatient(*ecu);
  ecu->start();
  Socket silent = *Socket::connect(ecu->address().host, ecu->address().port, std::chrono::seconds(5));
  Socket slow = *Socket::connect(ecu->address().host, ecu->address().port, std::chrono::seconds(5));
  ASSERT_TRUE(slow.send(*from_hex("4374010600000100aa"), std::chrono::seconds(5)));
  EXPECT_EQ(ecu->report()->attacks_detected, "message:transfer-too-slow");
}

TEST_F(Secondary, IsCalledAgainByALinkThatItHungUpOn) {
  const auto ecu = made();
  make_impatient(*ecu);
  ecu->start();
  ASSERT_TRUE(ecu->link().report());
  TcpLink next(ecu->address());
  ASSERT_TRUE(next.report()) << "served once the silent link has lost its connection";
  next = TcpLink(ecu->address());
  EXPECT_TRUE(ecu->link().report());
}

}  // namespace
}  // namespace cotter::client
