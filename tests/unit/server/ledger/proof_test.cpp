#include "server/ledger/proof.h"

#include <gtest/gtest.h>

#include "common/json/canonical.h"
#include "tests/sim/sim_key.h"
#include "tests/unit/server/ledger/memory_log.h"

namespace {

using namespace cotter;
using namespace cotter::ledger;

constexpr std::uint64_t kLogSize = 11;
constexpr std::uint64_t kIndex = 6;

class LedgerProof : public testing::Test {
 protected:
  LedgerProof() {
    for (std::uint64_t i = 0; i < kLogSize; ++i) log.add(entry(i).encode().value());
    proof.index = kIndex;
    proof.entry = entry(kIndex);
    proof.path = inclusion_proof(kIndex, kLogSize, log.reader()).value();
    proof.checkpoint = sign_checkpoint({verifier.name(), kLogSize, log.root()}, key).value();
  }
  static Entry entry(std::uint64_t number) {
    return {"assignment", UtcTime(std::chrono::seconds(number)), "account:alice",
            "VIN-" + std::to_string(number)};
  }
  [[nodiscard]] std::string written() const { return json::to_pretty_text(proof.encode()); }

  sim::SimKey key{"ledger"};
  VerifierKey verifier = verifier_key(key.public_key()).value();
  test::MemoryLog log;
  Proof proof;
};

TEST_F(LedgerProof, HoldsAfterItWasWrittenAndRead) {
  const Proof read = Proof::decode(as_bytes(written())).value();
  EXPECT_EQ(read.entry, proof.entry);
  const auto checkpoint = read.verify(verifier);
  ASSERT_TRUE(checkpoint) << explain(checkpoint.error());
  EXPECT_EQ(checkpoint->size, kLogSize);
}

TEST_F(LedgerProof, FailsUnderTheKeyOfAnotherLog) {
  sim::SimKey other("another");
  EXPECT_FALSE(proof.verify(verifier_key(other.public_key()).value()));
}

TEST_F(LedgerProof, FailsForAnotherEntryOrIndex) {
  Proof other = proof;
  other.entry.subject = "VIN-7";
  EXPECT_FALSE(other.verify(verifier));
  other = proof;
  other.index = kIndex + 1;
  EXPECT_FALSE(other.verify(verifier));
  other = proof;
  other.index = kLogSize;
  EXPECT_FALSE(other.verify(verifier));
}

TEST_F(LedgerProof, FailsWithEveryCharacterChanged) {
  const std::string good = written();
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = changed[i] == '1' ? '2' : '1';
    const auto read = Proof::decode(as_bytes(changed));
    if (!read) continue;
    // White space and base64's spare bits carry nothing: then it is the same proof.
    EXPECT_TRUE(!read->verify(verifier) || json::to_text(read->encode()) == json::to_text(proof.encode()))
        << "character " << i << " of:\n"
        << changed;
  }
}

TEST_F(LedgerProof, RefusesDocumentsOfAnotherForm) {
  for (const char* bad : {"", "{}", "[]", R"({"_type":"cotter-ledger-proof"})",
                          R"({"_type":"x","index":0,"entry":{},"path":[],"checkpoint":""})"}) {
    EXPECT_FALSE(Proof::decode(as_bytes(bad))) << bad;
  }
  json::Object object = *proof.encode().as_object();
  json::Array path;
  for (int i = 0; i < 63; ++i) path.emplace_back(to_base64(empty_root()));
  object.set("path", path);
  EXPECT_FALSE(Proof::decode(as_bytes(json::to_text(object)))) << "longer than any log's";
}

}  // namespace
