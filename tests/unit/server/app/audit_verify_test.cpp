#include "server/app/audit_verify.h"

#include <gtest/gtest.h>

#include "tests/unit/server/ledger/stored_log.h"

namespace {

using namespace cotter;
using test::StoredLog;

constexpr std::uint64_t kSize = 13;

std::vector<ledger::Entry> entries(std::uint64_t size) {
  std::vector<ledger::Entry> all;
  for (std::uint64_t i = 0; i < size; ++i) all.push_back(StoredLog::entry(i));
  return all;
}

std::string told(const app::LedgerHealth& health) {
  std::string text;
  for (const std::string& problem : health.problems) text += problem + "\n";
  return text;
}

std::string move_entry(std::uint64_t from, std::uint64_t to) {
  return "UPDATE ledger_entry SET idx = " + std::to_string(to) + " WHERE idx = " + std::to_string(from) + ";";
}

TEST(VerifyLedger, HoldsWhenNobodyTouchedIt) {
  for (const std::uint64_t size : {0U, 1U, 2U, 7U, 8U, 9U, 300U}) {
    StoredLog log(size);
    if (size == 0) {
      EXPECT_TRUE(log.verify().healthy());
      continue;
    }
    const std::string older = log.newest();
    log.add(StoredLog::entry(size));
    log.sign(1);
    log.add(StoredLog::entry(size + 1));
    const auto health = log.verify({older, log.newest()});
    EXPECT_TRUE(health.healthy()) << told(health);
    EXPECT_EQ(health.size, size + 2);
    ASSERT_TRUE(health.signed_head);
    EXPECT_EQ(health.signed_head->size, size + 1) << "the last one is not signed for yet";
    EXPECT_EQ(health.root, ledger::root(size + 2, log.store.reader()).value());
  }
}

TEST(VerifyLedger, FindsEveryAlteredByteOfAnEntry) {
  StoredLog log(kSize);
  const Bytes good = log.store.body(5).value();
  for (std::size_t i = 0; i < good.size(); ++i) {
    Bytes bad = good;
    bad[i] ^= 0x01U;
    log.forge("UPDATE ledger_entry SET body = x'" + to_hex(bad) + "' WHERE idx = 5");
    EXPECT_FALSE(log.verify().healthy()) << "byte " << i;
  }
  log.forge("UPDATE ledger_entry SET body = x'" + to_hex(good) + "' WHERE idx = 5");
  EXPECT_TRUE(log.verify().healthy());
}

TEST(VerifyLedger, FindsADroppedEntry) {
  for (std::uint64_t dropped = 0; dropped < kSize; ++dropped) {
    StoredLog log(kSize);
    log.forge("DELETE FROM ledger_entry WHERE idx = " + std::to_string(dropped));
    EXPECT_FALSE(log.verify().healthy()) << dropped;
  }
}

TEST(VerifyLedger, FindsEntriesExchanged) {
  for (std::uint64_t first = 0; first + 1 < kSize; ++first) {
    StoredLog log(kSize);
    log.forge(move_entry(first, 1000) + move_entry(first + 1, first) + move_entry(1000, first + 1));
    EXPECT_FALSE(log.verify().healthy()) << first;
  }
}

TEST(VerifyLedger, FindsAnAlteredHash) {
  StoredLog log(kSize);
  log.forge("UPDATE ledger_hash SET hash = zeroblob(32) WHERE level = 2 AND position = 1");
  EXPECT_FALSE(log.verify().healthy());
}

TEST(VerifyLedger, FindsAnEntryListedUnderAnotherSubject) {
  for (const char* change : {"subject = 'VIN-9'", "kind = 'refusal'", "made_at = made_at + 1"}) {
    StoredLog log(kSize);
    log.forge(std::string("UPDATE ledger_entry SET ") + change + " WHERE idx = 4");
    EXPECT_FALSE(log.verify().healthy()) << change;
  }
}

TEST(VerifyLedger, FindsHistoryRewrittenWithAllItsHashes) {
  for (std::uint64_t changed = 0; changed < kSize; ++changed) {
    StoredLog log(kSize);
    const std::string kept = log.newest();
    auto forged = entries(kSize);
    forged[changed].who = "account:mallory";
    log.rewrite(forged);
    EXPECT_FALSE(log.verify().healthy()) << "the stored checkpoint tells, entry " << changed;
    log.forge("DELETE FROM ledger_checkpoint");
    EXPECT_FALSE(log.verify().healthy()) << "that there is none tells";
    EXPECT_FALSE(log.verify({kept}).healthy());
  }
}

TEST(VerifyLedger, FindsAForkThatTheLogsOwnKeySigned) {
  for (std::uint64_t seen = 1; seen <= kSize; ++seen) {
    StoredLog log(seen);
    const std::string kept = log.newest();
    auto forged = entries(kSize + 5);
    forged[seen - 1].subject = "VIN-X";
    log.rewrite(forged);
    log.forge("DELETE FROM ledger_checkpoint");
    log.sign_whatever_is_there();
    EXPECT_TRUE(log.verify().healthy()) << "who holds the key can rewrite all that is here";
    const auto health = log.verify({kept});
    EXPECT_FALSE(health.healthy()) << "and not what is kept elsewhere, seen " << seen;
    EXPECT_FALSE(health.signed_head);
  }
}

TEST(VerifyLedger, FindsTheEndTakenAway) {
  StoredLog log(kSize);
  const std::string kept = log.newest();
  log.rewrite(entries(kSize - 1));
  EXPECT_FALSE(log.verify().healthy());
  log.forge("DELETE FROM ledger_checkpoint");
  log.sign_whatever_is_there();
  const auto health = log.verify({kept});
  EXPECT_NE(told(health).find("were taken away"), std::string::npos) << told(health);
}

TEST(VerifyLedger, TakesNoCheckpointOfAnotherKey) {
  StoredLog log(kSize);
  sim::SimKey other("another");
  const ledger::Checkpoint same{ledger::origin_of(other.public_key()), kSize,
                                ledger::root(kSize, log.store.reader()).value()};
  const std::string foreign = ledger::sign_checkpoint(same, other).value();
  EXPECT_FALSE(log.verify({foreign}).healthy());
  EXPECT_FALSE(log.verify({"nonsense"}).healthy());
  ASSERT_TRUE(log.store.put_checkpoint(kSize, foreign, UtcTime()));
  EXPECT_FALSE(log.verify().healthy());
}

TEST(VerifyLedger, RecountsALogThatNobodySigns) {
  StoredLog log(kSize);
  EXPECT_TRUE(app::verify_ledger(log.db, std::nullopt)->healthy());
  EXPECT_TRUE(is_fault(app::verify_ledger(log.db, std::nullopt, {log.newest()}).error(), Fault::Kind::Usage));
  log.forge("DELETE FROM ledger_entry WHERE idx = 3");
  EXPECT_FALSE(app::verify_ledger(log.db, std::nullopt)->healthy());
}

TEST(SignLedger, DoesNotVouchForAForkOfItself) {
  StoredLog log(kSize);
  auto forged = entries(kSize + 1);
  forged[2].who = "account:mallory";
  log.rewrite(forged);
  const std::string before = log.newest();
  log.sign(5);
  EXPECT_EQ(log.newest(), before);
  log.forge("DELETE FROM ledger_hash");
  log.sign(6);
  EXPECT_EQ(log.newest(), before) << "nor for one that it cannot recount";
}

TEST(SignLedger, SignsNothingTwiceAndNothingWithoutAKey) {
  StoredLog log(kSize);
  log.sign(3);
  EXPECT_EQ(log.store.checkpoints()->size(), 1U) << "nothing is new";
  log.add(StoredLog::entry(kSize));
  ASSERT_TRUE(app::sign_ledger(log.db, nullptr, UtcTime()));
  EXPECT_EQ(log.store.newest_checkpoint().value().value().size, kSize);
}

}  // namespace
