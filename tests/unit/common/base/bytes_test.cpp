#include "common/base/bytes.h"

#include <gtest/gtest.h>

namespace cotter {
namespace {

TEST(Hex, WritesLowerCaseAndReadsBoth) {
  EXPECT_EQ(to_hex(Bytes{0x00, 0xab, 0xff}), "00abff");
  EXPECT_EQ(from_hex("00aBFf"), (Bytes{0x00, 0xab, 0xff}));
  EXPECT_EQ(from_hex(""), Bytes());
  EXPECT_EQ(to_hex({}), "");
}

TEST(Hex, RefusesEverythingElse) {
  using namespace std::string_view_literals;
  for (const std::string_view text :
       {"0"sv, "000"sv, "0g"sv, " 00"sv, "00 "sv, "0x00"sv, "00:00"sv, "00\n0"sv, "00\0\0"sv}) {
    EXPECT_EQ(from_hex(text), std::nullopt) << text;
  }
}

// RFC 4648 section 10.
TEST(Base64, AgreesWithThePublishedVectors) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    EXPECT_EQ(from_base64(encoded), to_bytes(plain));
  }
}

TEST(Base64, RefusesEverythingElse) {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9v!", "Zm9v\n", " Zm9v", "Zm 9v", "_-__",
                           "\xffZg9v", "Zm9\x80"}) {
    EXPECT_EQ(from_base64(text), std::nullopt) << text;
  }
}

TEST(ConstantTimeEquality, IsEquality) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("secret"), as_bytes("secret")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("secret"), as_bytes("secreT")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("secret"), as_bytes("secre")));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

}  // namespace
}  // namespace cotter
