// How a primary asks for the time: PRI-11, PRI-14, TIM-2, TIM-6, TIM-10. What attackers do with it stands in
// tests/scenarios/time-*.json.
#include "client/primary/vehicle_time.h"

#include <gtest/gtest.h>

#include "client/install/floor_records.h"
#include "client/links/loopback_link.h"
#include "common/disk/posix_disk.h"
#include "common/trust/verified.h"
#include "tests/sim/ecu_sim.h"
#include "tests/sim/repository_sim.h"
#include "tests/sim/temp_dir.h"
#include "tests/sim/time_source_sim.h"
#include "tests/unit/common/expect_rule.h"

namespace cotter::client {
namespace {

using namespace std::chrono_literals;
using test::verdict;

const UtcTime kStart = *parse_utc("2030-01-01T00:00:00Z");

/// An ECU on the bus that says what it is told to, and keeps what it is given.
struct Listener {
  std::optional<model::Nonce> nonce;
  std::vector<Bytes> given;
  wire::Reply answer(const wire::Request& request) {
    if (const auto* offer = std::get_if<wire::TimeOffer>(&request)) {
      given.push_back(offer->attestation);
      return wire::Done{};
    }
    if (nonce) return wire::Nonce{nonce->value()};
    return wire::Failed{Fault::Kind::Network, "gone"};
  }
};

class Server final : public Uplink {
 public:
  trust::Transport& director() override { return files_; }
  trust::Transport& director_roots() override { return files_; }
  trust::Transport& image_repository() override { return files_; }
  Result<void> send_manifest(ByteView) override { return {}; }
  Result<void> download(const trust::Assignment&, std::uint64_t,
                        const std::function<Result<void>(ByteView)>&) override {
    return {};
  }
  Result<Bytes> attest_time(ByteView request) override {
    asked.push_back(TRY(model::TimeRequest::read(request)));
    last = TRY(source.answer(asked.back().nonces, now));
    return last;
  }
  void go_by(UtcTime) override {}

  sim::TimeSourceSim source;
  std::vector<model::TimeRequest> asked;
  Bytes last;
  UtcTime now = kStart;

 private:
  sim::RepositorySim files_{"unused", kStart + 24h};
};

class VehicleTimes : public testing::Test {
 protected:
  VehicleTimes() {
    for (auto& [serial, ecu] : ecus) {
      links.emplace(EcuSerial(serial),
                    std::make_unique<LoopbackLink>(
                        [&ecu = ecu](const wire::Request& request) { return ecu.answer(request); }));
    }
    rotate();
    restart();
  }
  void rotate() {
    director.rotate(model::time_source_role());
    director.publish(model::root_role());
    server.source.keys = director.signers.at(model::time_source_role());
  }
  void restart() {
    time.emplace(VehicleTime::open({store, links, server, uptime, nonces}, VehicleId("VIN-1")).value());
  }
  trust::Verified<model::Root> root(const char* file = nullptr) {
    const Bytes bytes = file != nullptr ? director.files.at(file) : director.file_of(model::root_role());
    return trust::Unverified<model::Root>::parse(bytes, model::Profile::Vehicle)
        .value()
        .verify_anchor()
        .value();
  }
  Result<std::optional<UtcTime>> ask() {
    return time->ask(root(), [&](const Rejection& why) { noted.emplace_back(rule_of(why.rule).name); });
  }
  void step(std::chrono::seconds passed) {
    server.now += passed;
    uptime.since += passed;
  }

  sim::TempDir dir;
  disk::PosixDisk disk;
  FloorFiles floors{disk, (dir.path() / "floors").string()};
  PrimaryStore store = PrimaryStore::open(disk, dir.path() / "primary.db", floors).value();
  std::map<std::string, Listener> ecus = {{"A", {sim::numbered_nonce(1), {}}},
                                          {"B", {sim::numbered_nonce(2), {}}}};
  Links links;
  Server server;
  sim::SteppedUptime uptime;
  sim::CountedNonces nonces{"vehicle"};
  sim::RepositorySim director{"director", kStart + 365 * 24h};
  std::optional<VehicleTime> time;
  std::vector<std::string> noted;
};

TEST_F(VehicleTimes, AskOnceForAllAndHandTheAnswerOnUnchanged) {  // PRI-11, PRI-14, TIM-10
  EXPECT_EQ(ask().value(), kStart);
  ASSERT_EQ(server.asked.size(), 1U);
  EXPECT_EQ(server.asked[0].vin, VehicleId("VIN-1"));
  ASSERT_EQ(server.asked[0].nonces.size(), 3U);
  EXPECT_EQ(server.asked[0].nonces[1], sim::numbered_nonce(1));
  EXPECT_EQ(server.asked[0].nonces[2], sim::numbered_nonce(2));
  for (const auto& [serial, ecu] : ecus) EXPECT_EQ(ecu.given, std::vector<Bytes>{server.last}) << serial;
}

TEST_F(VehicleTimes, AreNotAskedForWhereTheRootListsNoSource) {
  EXPECT_EQ(time->ask(root("1.root.json"), [](const Rejection&) {}).value(), std::nullopt);
  EXPECT_TRUE(server.asked.empty());
  EXPECT_FALSE(time->known());
}

TEST_F(VehicleTimes, DoNotWaitForAnEcuThatIsGoneOrRepeatsAnothersNonce) {
  ecus.at("A").nonce.reset();
  ecus.at("B").nonce = sim::numbered_nonce(2);
  EXPECT_EQ(ask().value(), kStart);
  EXPECT_EQ(server.asked.back().nonces.size(), 2U);
  EXPECT_TRUE(ecus.at("A").given.empty());
  ecus.at("A").nonce = sim::numbered_nonce(2);
  EXPECT_EQ(ask().value(), kStart);
  EXPECT_EQ(server.asked.back().nonces.size(), 2U);
}

TEST_F(VehicleTimes, GoOnFromTheLastAnswerForAWeek) {  // TIM-6
  ASSERT_TRUE(ask());
  server.source.silent = true;
  step(7 * 24h);
  EXPECT_EQ(ask().value(), server.now);
  EXPECT_EQ(time->known(), server.now);
  EXPECT_TRUE(noted.empty()) << "an outage is no attack";
  step(1s);
  EXPECT_EQ(verdict(ask()), "time-not-attested");
  EXPECT_FALSE(time->known());
}

TEST_F(VehicleTimes, HandNothingOnThatIsRefusedAndSayWhy) {
  ASSERT_TRUE(ask());
  server.source.keys = {sim::key("mallory")};
  EXPECT_TRUE(ask().value());
  EXPECT_EQ(noted, std::vector<std::string>{"threshold-not-met"});
  EXPECT_EQ(ecus.at("A").given.size(), 1U);
  step(8 * 24h);
  EXPECT_EQ(verdict(ask()), "threshold-not-met") << "it says more than that nothing was attested";
}

TEST_F(VehicleTimes, AreRememberedAndWrittenDownOnceAnHour) {  // TIM-9
  ASSERT_TRUE(ask());
  const auto record = store.time_state().value();
  ASSERT_TRUE(record);
  step(59min);
  ASSERT_TRUE(ask());
  EXPECT_EQ(store.time_state().value(), record);
  step(1min);
  ASSERT_TRUE(ask());
  EXPECT_NE(store.time_state().value(), record);
  restart();
  EXPECT_EQ(time->known(), server.now) << "the same boot counts on";
  ++uptime.boots;
  EXPECT_FALSE(time->known());
  server.source.says = server.now - 1s;
  EXPECT_EQ(verdict(ask()), "time-before-floor");
}

TEST_F(VehicleTimes, BeginAnewWhereTheRecordIsDamaged) {  // VER-REC
  ASSERT_TRUE(ask());
  ASSERT_TRUE(store.save_time_state(to_bytes("{")));
  restart();
  EXPECT_EQ(ask().value(), kStart);
}

}  // namespace
}  // namespace cotter::client
