#include "server/ledger/entry.h"

#include <gtest/gtest.h>

namespace {

using namespace cotter;
using ledger::Entry;

Entry example() {
  return {std::string(ledger::kAssignment), UtcTime(std::chrono::seconds(1'900'000'000)), "account:alice",
          "VIN-1", json::Object{{"ecu", "BRAKE"}, {"image", "brakes/1.bin"}}};
}

TEST(LedgerEntry, IsCompactJsonInOrder) {
  EXPECT_EQ(as_text(example().encode().value()),
            R"({"_type":"cotter-ledger-entry","ecu":"BRAKE","image":"brakes/1.bin","kind":"assignment",)"
            R"("subject":"VIN-1","time":"2030-03-17T17:46:40Z","who":"account:alice"})");
}

TEST(LedgerEntry, ReadsWhatItWrote) {
  Entry entry = example();
  entry.details.set("note", "line\nbreak, \"quotes\", caf\xC3\xA9");
  EXPECT_EQ(Entry::decode(entry.encode().value()).value(), entry);
}

TEST(LedgerEntry, HasOneSpelling) {
  const std::string good(as_text(example().encode().value()));
  EXPECT_TRUE(Entry::decode(as_bytes(good)));
  EXPECT_FALSE(Entry::decode(as_bytes(good + "\n")));
  EXPECT_FALSE(Entry::decode(as_bytes("{ " + good.substr(1))));
  std::string escaped = good;
  escaped.replace(escaped.find("VIN"), 3, "\\u0056IN");
  EXPECT_FALSE(Entry::decode(as_bytes(escaped)));
  std::string typed = good;
  typed.replace(typed.find("cotter-ledger-entry"), 19, "cotter-ledger-proof");
  EXPECT_FALSE(Entry::decode(as_bytes(typed)));
  EXPECT_FALSE(Entry::decode(as_bytes("{}")));
  EXPECT_FALSE(Entry::decode(as_bytes("[]")));
  EXPECT_FALSE(Entry::decode({}));
}

TEST(LedgerEntry, HoldsNoMoreThanABundleCanSay) {
  Entry entry = example();
  const std::size_t rest = entry.encode()->size() + std::string_view(R"("x":"",)").size();
  entry.details.set("x", std::string(ledger::kMaxEntryBytes - rest, 'x'));
  ASSERT_TRUE(entry.encode());
  EXPECT_EQ(entry.encode()->size(), ledger::kMaxEntryBytes);
  EXPECT_TRUE(Entry::decode(*entry.encode()));
  entry.details.set("x", std::string(ledger::kMaxEntryBytes - rest + 1, 'x'));
  EXPECT_FALSE(entry.encode());
}

// A log that holds one entry which nobody can read is damaged for good: it is never rewritten.
TEST(LedgerEntry, IsNotWrittenWhereItCouldNotBeRead) {
  Entry entry = example();
  entry.details.set("reason", "caf\xE9");  // as a terminal of another alphabet sends it
  const auto refused = entry.encode();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Usage));
  entry = example();
  entry.subject = "\xFF";
  EXPECT_FALSE(entry.encode());
}

TEST(LedgerEntry, DetailsDoNotHideWhatItIs) {
  Entry entry = example();
  entry.details.set("who", "account:mallory");
  EXPECT_FALSE(entry.encode());
}

}  // namespace
