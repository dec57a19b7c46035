#include "server/app/audit_export.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "common/host/atomic_file.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/server/ledger/stored_log.h"

namespace {

using namespace cotter;
using test::StoredLog;
namespace fs = std::filesystem;

class ExportLedger : public testing::Test {
 protected:
  [[nodiscard]] fs::path dir() const { return temp_.path() / "log"; }
  [[nodiscard]] Bytes read(const std::string& file) const {
    return host::read_file(dir() / file, 1U << 25U).value();
  }

 private:
  sim::TempDir temp_;
};

TEST_F(ExportLedger, WritesTilesThatLeadToTheCheckpointsRoot) {
  StoredLog log(3);
  const auto done = app::export_ledger(log.db, dir()).value();
  EXPECT_EQ(done.entries, 3U);
  EXPECT_EQ(done.written, 2U);
  EXPECT_EQ(as_text(read("checkpoint")), log.newest());
  const Bytes tile = read("tile/0/000.p/3");
  ASSERT_EQ(tile.size(), 3 * ledger::kHashSize);
  std::vector<ledger::Hash> leaves(3);
  for (std::size_t i = 0; i < tile.size(); ++i)
    leaves[i / ledger::kHashSize][i % ledger::kHashSize] = tile[i];
  const auto checkpoint = ledger::open_checkpoint(log.newest(), log.verifier).value();
  EXPECT_EQ(ledger::node_hash(ledger::node_hash(leaves[0], leaves[1]), leaves[2]), checkpoint.root);
  // The bundle's first entry hashes to the first leaf.
  const Bytes bundle = read("tile/entries/000.p/3");
  const std::size_t length = (std::size_t{bundle[0]} << 8U) | bundle[1];
  EXPECT_EQ(ledger::leaf_hash(ByteView(bundle).subspan(2, length)), leaves[0]);
}

TEST_F(ExportLedger, GrowsWithTheLog) {
  StoredLog log(255);
  ASSERT_TRUE(app::export_ledger(log.db, dir()));
  log.add(StoredLog::entry(255));
  EXPECT_EQ(app::export_ledger(log.db, dir())->written, 0U) << "not signed for yet";
  log.sign(1);
  ASSERT_TRUE(app::export_ledger(log.db, dir()));
  EXPECT_EQ(read("tile/0/000").size(), 8192U);
  EXPECT_EQ(read("tile/1/000.p/1").size(), 32U);
  EXPECT_EQ(as_text(read("checkpoint")), log.newest());
  EXPECT_EQ(app::export_ledger(log.db, dir())->written, 0U);
}

TEST_F(ExportLedger, DoesNotMixTwoHistories) {
  StoredLog log(5);
  ASSERT_TRUE(app::export_ledger(log.db, dir()));
  const Bytes before = read("checkpoint");
  StoredLog other;
  for (std::uint64_t i = 1; i < 6; ++i) other.add(StoredLog::entry(i));
  other.sign();
  EXPECT_TRUE(is_fault(app::export_ledger(other.db, dir()).error(), Fault::Kind::Conflict));
  EXPECT_EQ(read("checkpoint"), before);
}

TEST_F(ExportLedger, HasNothingToShowBeforeTheFirstCheckpoint) {
  StoredLog log;
  log.add(StoredLog::entry(0));
  EXPECT_TRUE(is_fault(app::export_ledger(log.db, dir()).error(), Fault::Kind::NotFound));
  EXPECT_FALSE(fs::exists(dir()));
}

}  // namespace
