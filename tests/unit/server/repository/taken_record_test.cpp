#include "server/repository/taken_record.h"

#include <gtest/gtest.h>

namespace cotter::repository {
namespace {

TakenRecord record() {
  return {"1:2:3:4.5:6.7", "0/image.abc", "1:9:3:4.5", 3, crypto::Hashes::of(as_bytes("abc"))};
}

std::string_view line_of(const std::string& encoded) {
  return std::string_view(encoded).substr(0, encoded.size() - 1);
}

TEST(TakenRecords, AreReadAsTheyWereWritten) {
  const std::string encoded = record().encode();
  EXPECT_EQ(encoded.find('\n'), encoded.size() - 1);
  EXPECT_EQ(TakenRecord::decode(line_of(encoded)), record());
}

TEST(TakenRecords, AreNothingWhereAByteIsAnother) {
  std::string encoded = record().encode();
  const std::size_t size = line_of(encoded).size();
  for (std::size_t place = 0; place < size; ++place) {
    encoded[place] = static_cast<char>(encoded[place] ^ 1);
    EXPECT_FALSE(TakenRecord::decode(line_of(encoded))) << place;
    encoded[place] = static_cast<char>(encoded[place] ^ 1);
    EXPECT_FALSE(TakenRecord::decode(line_of(encoded).substr(0, place))) << place;
  }
}

TEST(TakenRecords, NameACopyInTheirOwnFolderAlone) {
  for (const std::string& name :
       {std::string(), std::string(".."), std::string("../a"), std::string("a/b"), std::string("a"),
        std::string("0/"), std::string("0/.."), std::string("0/a/b"), std::string("/a"),
        "0/" + std::string(TakenRecord::kMaxBytes, 'a'), std::string("0/a\0b", 5)}) {
    TakenRecord elsewhere = record();
    elsewhere.copy = name;
    const std::string encoded = elsewhere.encode();
    EXPECT_FALSE(TakenRecord::decode(line_of(encoded))) << name;
  }
}

TEST(TakenRecords, HaveBothHashesThatAnImageIsNamedBy) {
  TakenRecord half = record();
  half.hashes = {};
  half.hashes.set(crypto::HashFunction::Sha256, crypto::sha256(as_bytes("abc")));
  const std::string encoded = half.encode();
  EXPECT_FALSE(TakenRecord::decode(line_of(encoded)));
}

}  // namespace
}  // namespace cotter::repository
