#include "server/app/audit_prove.h"

#include <gtest/gtest.h>

#include "common/json/canonical.h"
#include "tests/unit/server/ledger/stored_log.h"

namespace {

using namespace cotter;
using test::StoredLog;

TEST(ProveEntry, EveryProofHoldsWithTheKeyAlone) {
  StoredLog log(37);
  for (std::uint64_t index = 0; index < 37; ++index) {
    const auto proof = app::prove_entry(log.db, log.verifier, index);
    ASSERT_TRUE(proof) << explain(proof.error());
    const std::string document = json::to_pretty_text(proof->encode());
    const auto read = ledger::Proof::decode(as_bytes(document)).value();
    ASSERT_TRUE(read.verify(log.verifier));
    EXPECT_EQ(read.entry, StoredLog::entry(index));
  }
}

TEST(ProveEntry, WaitsForACheckpoint) {
  StoredLog log(4);
  log.add(StoredLog::entry(4));
  const auto early = app::prove_entry(log.db, log.verifier, 4);
  ASSERT_TRUE(is_fault(early.error(), Fault::Kind::NotFound));
  EXPECT_NE(summary(early.error()).find("not signed for yet"), std::string::npos);
  EXPECT_TRUE(is_fault(app::prove_entry(log.db, log.verifier, 5).error(), Fault::Kind::NotFound));
  log.sign(1);
  EXPECT_TRUE(app::prove_entry(log.db, log.verifier, 4));
  StoredLog empty;
  EXPECT_TRUE(is_fault(app::prove_entry(empty.db, empty.verifier, 0).error(), Fault::Kind::NotFound));
}

TEST(ProveEntry, HandsOutNothingFromAForgedLog) {
  StoredLog log(9);
  auto forged = StoredLog::entry(5);
  forged.subject = "VIN-X";
  log.forge("UPDATE ledger_entry SET body = x'" + to_hex(forged.encode().value()) + "' WHERE idx = 5");
  EXPECT_TRUE(is_fault(app::prove_entry(log.db, log.verifier, 5).error(), Fault::Kind::Denied));
  EXPECT_TRUE(app::prove_entry(log.db, log.verifier, 4)) << "the others are what was signed";
  sim::SimKey other("another");
  const auto stranger = ledger::verifier_key(other.public_key()).value();
  EXPECT_TRUE(is_fault(app::prove_entry(log.db, stranger, 4).error(), Fault::Kind::Denied));
}

}  // namespace
