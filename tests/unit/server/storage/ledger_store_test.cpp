#include "server/storage/sqlite/ledger_store.h"

#include <gtest/gtest.h>

#include "tests/unit/server/ledger/stored_log.h"

namespace {

using namespace cotter;
using storage::LedgerFilter;
using storage::LedgerRow;
using test::StoredLog;

std::vector<std::uint64_t> found(StoredLog& log, const LedgerFilter& filter) {
  std::vector<std::uint64_t> indexes;
  EXPECT_TRUE(log.store.each(filter, [&](const LedgerRow& row) -> Result<void> {
    indexes.push_back(row.index);
    return {};
  }));
  return indexes;
}

TEST(LedgerStore, KeepsTheVeryBytesThatWereHashed) {
  StoredLog log(5);
  EXPECT_EQ(log.store.size().value(), 5U);
  const Bytes body = StoredLog::entry(3).encode().value();
  EXPECT_EQ(log.store.body(3).value(), body);
  EXPECT_EQ(log.store.hash({0, 3}).value(), ledger::leaf_hash(body));
  EXPECT_TRUE(is_fault(log.store.body(5).error(), Fault::Kind::NotFound));
  EXPECT_TRUE(is_fault(log.store.hash({1, 2}).error(), Fault::Kind::NotFound)) << "not complete yet";
}

TEST(LedgerStore, EntryIsGoneWithItsTransaction) {
  StoredLog log(3);
  const auto root = ledger::root(3, log.store.reader()).value();
  {
    const auto transaction = host::Transaction::begin(log.db).value();
    ASSERT_TRUE(log.store.append(StoredLog::entry(3)));
    EXPECT_EQ(log.store.size().value(), 4U);
  }
  EXPECT_EQ(log.store.size().value(), 3U);
  EXPECT_TRUE(is_fault(log.store.hash({2, 0}).error(), Fault::Kind::NotFound));
  EXPECT_EQ(ledger::root(3, log.store.reader()).value(), root);
  log.add(StoredLog::entry(3));
  EXPECT_TRUE(log.verify().healthy());
}

TEST(LedgerStore, IsNotRewrittenByMistake) {
  StoredLog log(3);
  for (const char* sql : {"UPDATE ledger_entry SET subject = 'x'", "DELETE FROM ledger_entry WHERE idx = 1",
                          "UPDATE ledger_hash SET hash = zeroblob(32)", "DELETE FROM ledger_hash"}) {
    EXPECT_TRUE(is_fault(log.db.exec(sql).error(), Fault::Kind::Conflict)) << sql;
  }
}

TEST(LedgerStore, FindsByKindSubjectAndTimeTheNewestFirstToStay) {
  StoredLog log(10);
  auto other = StoredLog::entry(10);
  other.kind = "refusal";
  other.subject = "VIN-2";
  log.add(other);
  EXPECT_EQ(found(log, {}).size(), 11U);
  EXPECT_EQ(found(log, {.kind = "refusal"}), std::vector<std::uint64_t>{10});
  EXPECT_EQ(found(log, {.subject = "VIN-2"}), (std::vector<std::uint64_t>{2, 10}));
  EXPECT_EQ(found(log, {.kind = "assignment", .subject = "VIN-2"}), std::vector<std::uint64_t>{2});
  EXPECT_EQ(found(log, {.since = UtcTime(std::chrono::hours(9))}), (std::vector<std::uint64_t>{9, 10}));
  EXPECT_EQ(found(log, {.limit = 3}), (std::vector<std::uint64_t>{8, 9, 10})) << "in order, all the same";
}

TEST(LedgerStore, KeepsTheLastCheckpointOfAnHour) {
  StoredLog log;
  for (std::uint64_t i = 0; i < 6; ++i) {
    log.add(StoredLog::entry(i));
    log.sign(static_cast<std::int64_t>(i / 3));
  }
  const auto kept = log.store.checkpoints().value();
  ASSERT_EQ(kept.size(), 2U);
  EXPECT_EQ(kept[0].size, 3U);
  EXPECT_EQ(kept[1].size, 6U);
  EXPECT_EQ(log.store.newest_checkpoint().value().value().size, 6U);
}

TEST(LedgerStore, TakesNoEntryThatIsTooLarge) {
  StoredLog log(1);
  auto large = StoredLog::entry(1);
  large.details.set("x", std::string(ledger::kMaxEntryBytes, 'x'));
  const auto transaction = host::Transaction::begin(log.db).value();
  EXPECT_TRUE(is_fault(log.store.append(large).error(), Fault::Kind::Usage));
  EXPECT_EQ(log.store.size().value(), 1U);
}

TEST(LedgerStore, CallsAGapDamageWhenItAdds) {
  StoredLog log(7);
  log.forge("DELETE FROM ledger_hash WHERE level = 1 AND position = 2");
  const auto transaction = host::Transaction::begin(log.db).value();
  const auto added = log.store.append(StoredLog::entry(7));
  ASSERT_FALSE(added);
  EXPECT_TRUE(is_fault(added.error(), Fault::Kind::Io))
      << "not NotFound, which a vehicle would take for an answer";
}

}  // namespace
