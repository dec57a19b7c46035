// Reports: FMT-80, FMT-84, FVS-8, GAP-18.
#include "client/secondary/report_book.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/vehicle_sim.h"

namespace cotter::client {
namespace {

using sim::EcuSim;
using sim::VehicleSim;

struct ReportBench {
  ReportBench() : vehicle("VIN1"), ecu(vehicle.order("ecu1", Verification::Partial), vehicle.now) {}
  std::string attacks() { return (*ecu.report())->attacks_detected; }
  void misbehave() { static_cast<void>(ecu.ask(wire::TransferEnd{})); }
  void new_targets() {
    vehicle.director.release({model::targets_role()});
    ASSERT_TRUE(ecu.link().put_metadata(vehicle));
  }
  VehicleSim vehicle;
  EcuSim ecu;
};

TEST(Reports, CountUpwardAcrossRestarts) {  // FVS-8
  ReportBench bench;
  std::uint64_t last = 0;
  for (int i = 0; i < 6; ++i) {
    const auto report = bench.ecu.report();
    ASSERT_TRUE(report);
    EXPECT_GT((*report)->counter, last);
    last = (*report)->counter;
    if (i % 2 == 1) {
      ASSERT_TRUE(bench.ecu.restart());
    }
  }
}

// GAP-18: the counter is kept before the report leaves; without that there is no report.
TEST(Reports, AreNotGivenWhenTheirCounterCannotBeKept) {
  ReportBench bench;
  const std::uint64_t before = (*bench.ecu.report())->counter;
  ASSERT_TRUE(bench.ecu.restart());  // the next report needs new numbers
  bench.ecu.flash.cut_power_after(0);
  EXPECT_FALSE(bench.ecu.link().report());
  bench.ecu.flash.restore_power();
  ASSERT_TRUE(bench.ecu.restart());
  EXPECT_GT((*bench.ecu.report())->counter, before);
}

// G8: a poll with nothing new makes nothing durable but for one report in many.
TEST(Reports, TakeTheirCountersManyAtATime) {
  ReportBench bench;
  ASSERT_TRUE(bench.ecu.report());
  const Bytes kept = bench.ecu.flash.records.at("report");
  for (int i = 0; i < 1023; ++i) ASSERT_TRUE(bench.ecu.report());
  EXPECT_EQ(bench.ecu.flash.records.at("report"), kept);
  ASSERT_TRUE(bench.ecu.report());
  EXPECT_NE(bench.ecu.flash.records.at("report"), kept);
}

TEST(Reports, DoWithoutTheTimeOfTheLastOne) {  // all that a power cut may take of it
  ReportBench bench;
  ASSERT_TRUE(bench.ecu.report());
  bench.ecu.flash.records["report-last"] = to_bytes("{\"ti");
  ASSERT_TRUE(bench.ecu.restart());
  EXPECT_EQ((*bench.ecu.report())->time, bench.ecu.clock.time);
}

TEST(Reports, CountOnFromADamagedRecord) {
  ReportBench bench;
  const std::uint64_t before = (*bench.ecu.report())->counter;
  bench.ecu.flash.records["report"] = to_bytes("{\"counter\":");
  ASSERT_TRUE(bench.ecu.restart());
  EXPECT_GT((*bench.ecu.report())->counter, before);
}

// VER-REC: who takes for attacks what never was one makes reports that no director takes (FMT-84).
TEST(Reports, AreBegunAnewWhereTheRecordHoldsMoreThanAReportMay) {
  const std::string one = R"({"reported":false,"what":"image/root:threshold-not-met"})";
  std::string nine = one;
  for (int i = 0; i < 8; ++i) nine += "," + one;
  const std::string longer = R"({"reported":false,"what":")" + std::string(2000, 'x') + "\"}";
  for (const std::string& attacks : {nine, longer}) {
    ReportBench bench;
    ASSERT_TRUE(bench.ecu.report());
    bench.ecu.flash.records["report"] = to_bytes("{\"attacks\":[" + attacks + "],\"counter\":7}");
    ASSERT_TRUE(bench.ecu.restart());
    const auto report = bench.ecu.report();
    ASSERT_TRUE(report) << summary(report.error());
    EXPECT_EQ((*report)->attacks_detected, "");
  }
}

TEST(Reports, TellTheTimeOfThisAndOfThePreviousOne) {
  ReportBench bench;
  const UtcTime first = bench.ecu.clock.time;
  ASSERT_TRUE(bench.ecu.report());
  bench.ecu.clock.time += std::chrono::hours(1);
  const auto second = bench.ecu.report();
  EXPECT_EQ((*second)->time, first + std::chrono::hours(1));
  EXPECT_EQ((*second)->previous_time, first);
}

TEST(Reports, DoNotBelieveAClockThatIsSetBackALittle) {  // DIR-25: no report is older than the one before
  ReportBench bench;
  const UtcTime first = bench.ecu.clock.time;
  ASSERT_TRUE(bench.ecu.report());
  bench.ecu.clock.time = first - std::chrono::minutes(4);
  EXPECT_EQ((*bench.ecu.report())->time, first);
}

TEST(Reports, AreNotHeldUpByAClockThatOnceRanFarAhead) {  // the director refused those reports (ATK-51)
  ReportBench bench;
  const UtcTime honest = bench.ecu.clock.time;
  bench.ecu.clock.time = honest + std::chrono::hours(48);
  ASSERT_TRUE(bench.ecu.report());
  bench.ecu.clock.time = honest;
  EXPECT_EQ((*bench.ecu.report())->time, honest);
}

TEST(Reports, KeepAnAttackUntilNewerTargetsAnswerIt) {  // FVS-8
  ReportBench bench;
  bench.misbehave();
  bench.new_targets();
  EXPECT_EQ(bench.attacks(), "image:message-out-of-order") << "targets from before the report answer nothing";
  EXPECT_EQ(bench.attacks(), "image:message-out-of-order");
  ASSERT_TRUE(bench.ecu.restart());
  EXPECT_EQ(bench.attacks(), "image:message-out-of-order");
  bench.new_targets();
  EXPECT_EQ(bench.attacks(), "");
}

TEST(Reports, NameTheLastEightAttacksEachOnce) {  // FVS-8
  VehicleSim vehicle("VIN1");
  EcuSim ecu(vehicle.order("ecu1", Verification::Partial), vehicle.now);
  ReportBook book(ecu.flash, ecu.floors, ecu.order().identity.serial);
  ASSERT_TRUE(book.open(vehicle.now));
  for (const char* role : {"1", "2", "3", "4", "5", "6", "7", "8", "9", "9", "3"}) {
    book.note({Repository::Image, role, RuleId::TargetsExpired, "", ""});
  }
  sim::SimKey key("ecu/ecu1");
  const auto report = book.report(ecu.order().identity, *ecu.installer().running(), vehicle.now, key);
  ASSERT_TRUE(report);
  const std::string text(as_text(*report));
  EXPECT_EQ(text.find("image/1:"), std::string::npos);
  EXPECT_NE(text.find("image/2:targets-expired,image/4:"), std::string::npos);
  EXPECT_NE(text.find("image/9:targets-expired,image/3:targets-expired\""), std::string::npos);
}

TEST(Reports, HaveRoomForEightAttacksWithTheLongestNames) {  // FMT-84: 1024 bytes
  VehicleSim vehicle("VIN1");
  EcuSim ecu(vehicle.order("ecu1", Verification::Partial), vehicle.now);
  for (char c = 'a'; c < 'k'; ++c) {
    const Error error =
        Rejection{Repository::Director, std::string(1000, c), RuleId::TimestampMetaNotOnlySnapshot, "", ""};
    ecu.core().disconnected(&error);
  }
  const auto report = ecu.report();
  ASSERT_TRUE(report) << summary(report.error());
  EXPECT_EQ(std::ranges::count((*report)->attacks_detected, ','), 7);
}

TEST(Reports, LetARoleNameSaySoNothingElse) {
  VehicleSim vehicle("VIN1");
  EcuSim ecu(vehicle.order("ecu1", Verification::Partial), vehicle.now);
  const Error error = Rejection{Repository::Image, "a,b:c\n", RuleId::TargetsExpired, "", ""};
  ecu.core().disconnected(&error);
  EXPECT_EQ((*ecu.report())->attacks_detected, "image/a%2Cb%3Ac%0A:targets-expired");
}

}  // namespace
}  // namespace cotter::client
