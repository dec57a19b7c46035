#include "server/app/import_vehicles.h"

#include <gtest/gtest.h>

#include <fstream>

#include "common/json/canonical.h"
#include "server/storage/sqlite/inventory_store.h"
#include "server/storage/sqlite/ledger_store.h"
#include "tests/unit/server/app/depot.h"

namespace cotter::app {
namespace {

using test::Depot;
using test::factory_record;

class ImportVehicles : public testing::Test {
 protected:
  /// A file of these vehicles, a line each.
  std::filesystem::path file(const std::vector<inventory::VehicleRecord>& vehicles,
                             const std::string& more = "") {
    const auto path = dir_.path() / "vehicles.jsonl";
    std::ofstream out(path, std::ios::binary);
    for (const auto& vehicle : vehicles) out << json::to_text(vehicle.encode()) << "\n";
    out << more;
    return path;
  }
  Result<ImportOutcome> import(const std::filesystem::path& path, bool skip_bad = false,
                               bool dry_run = false) {
    problems_.clear();
    host::Db db = depot_.database();
    ImportRequest request;
    request.file = path;
    request.skip_bad = skip_bad;
    request.dry_run = dry_run;
    request.on_problem = [&](const inventory::LineProblem& problem) { problems_.push_back(problem); };
    request.progress = [&](std::uint64_t done, std::uint64_t total) {
      EXPECT_LE(done, total);
      done_ = done, total_ = total;
    };
    return import_vehicles(db, request, depot_.clock.time);
  }
  std::vector<std::string> recorded() {
    host::Db db = depot_.database();
    std::vector<std::string> vins;
    const auto all = storage::InventoryStore(db).list().value();
    for (const auto& each : all) vins.push_back(each.vin.value());
    return vins;
  }
  std::uint64_t ledger_size() {
    host::Db db = depot_.database();
    return storage::LedgerStore(db).size().value();
  }

  Depot depot_;
  sim::TempDir dir_;
  std::vector<inventory::LineProblem> problems_;
  std::uint64_t done_ = 0, total_ = 0;
};

const auto kOne = factory_record("VIN-1", "1-", 1);
const auto kTwo = factory_record("VIN-2", "2-", 11);
const auto kThree = factory_record("VIN-3", "3-", 21);

TEST_F(ImportVehicles, RecordsAllWithAnEntryOfTheLedgerEach) {  // DIR-10
  const std::uint64_t before = ledger_size();
  const auto imported = import(file({kOne, kTwo, kThree}));
  ASSERT_TRUE(imported) << explain(imported.error());
  EXPECT_EQ(imported->vehicles, 3U);
  EXPECT_EQ(imported->ecus, 9U);
  EXPECT_EQ(recorded(), (std::vector<std::string>{"VIN-1", "VIN-2", "VIN-3"}));
  EXPECT_EQ(ledger_size(), before + 3);
  EXPECT_EQ(done_, total_) << "the bar ends at its end";
  host::Db db = depot_.database();
  EXPECT_EQ(storage::InventoryStore(db).load(VehicleId("VIN-2"))->ecus.at(1).record.encode(),
            kTwo.ecus[1].encode());
}

TEST_F(ImportVehicles, RecordsNoneWhereOneIsWrong) {
  const std::uint64_t before = ledger_size();
  const auto imported = import(file({kOne, kTwo}, "{\"vin\":\"VIN-9\"}\n"));
  ASSERT_FALSE(imported);
  EXPECT_TRUE(is_fault(imported.error(), Fault::Kind::Denied)) << explain(imported.error());
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_EQ(problems_[0].line, 3U);
  EXPECT_EQ(problems_[0].vin, "VIN-9");
  EXPECT_TRUE(recorded().empty());
  EXPECT_EQ(ledger_size(), before);
}

TEST_F(ImportVehicles, LeavesOutThoseThatAreWrongWhereToldTo) {  // DIR-12
  ASSERT_TRUE(import(file({kTwo})));
  auto with_known_serial = factory_record("VIN-4", "2-", 31);
  auto with_known_key = factory_record("VIN-5", "5-", 11);
  const auto imported = import(file({kOne, kTwo, with_known_serial, with_known_key, kThree}, "{\n"), true);
  ASSERT_TRUE(imported) << explain(imported.error());
  EXPECT_EQ(imported->vehicles, 2U);
  EXPECT_EQ(imported->bad, 4U);
  std::vector<std::uint64_t> lines;
  for (const auto& problem : problems_) lines.push_back(problem.line);
  EXPECT_EQ(lines, (std::vector<std::uint64_t>{2, 3, 4, 6}));
  EXPECT_EQ(recorded(), (std::vector<std::string>{"VIN-1", "VIN-2", "VIN-3"}));
}

TEST_F(ImportVehicles, JudgesTheSameAndRecordsNothingInADryRun) {
  const auto imported = import(file({kOne, kOne, kTwo}), true, true);
  ASSERT_TRUE(imported) << explain(imported.error());
  EXPECT_EQ(imported->vehicles, 2U);
  EXPECT_EQ(imported->bad, 1U) << "the second VIN-1";
  EXPECT_TRUE(recorded().empty());
}

TEST_F(ImportVehicles, RecordsNothingOfAFileThatEndsAmidst) {
  std::ofstream(dir_.path() / "cut.csv") << "vin,serial\n";
  EXPECT_TRUE(is_fault(import(dir_.path() / "cut.csv", true).error(), Fault::Kind::Usage));
  EXPECT_TRUE(is_fault(import(dir_.path() / "none.csv", true).error(), Fault::Kind::NotFound));
  EXPECT_TRUE(is_fault(import(dir_.path() / "vehicles.xls", true).error(), Fault::Kind::Usage));
  const auto long_line = import(file({kOne}, std::string((1U << 20U) + 2, 'x')), true);
  EXPECT_TRUE(is_fault(long_line.error(), Fault::Kind::Usage)) << explain(long_line.error());
  EXPECT_TRUE(recorded().empty());
}

}  // namespace
}  // namespace cotter::app
