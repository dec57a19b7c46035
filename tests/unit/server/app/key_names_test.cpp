#include "server/app/key_names.h"

#include <gtest/gtest.h>

namespace cotter::app {
namespace {

const SigningKey kFirst{"one", KeyId("aaaaaaaa11112222")}, kSecond{"two", KeyId("aaaaaaaa33334444")};

std::string meant(const KeyNames& names, std::string_view text) {
  const auto key = find_signing_key({kFirst, kSecond, kFirst}, names, text);
  if (key) return key->material;
  return is_fault(key.error(), Fault::Kind::NotFound) ? "none" : "several";
}

TEST(KeyNames, FindAKeyByItsNameOrByEnoughOfItsId) {
  KeyNames names;
  names.add(kFirst, {"image-targets-1", "holder-1"});
  EXPECT_EQ(meant(names, "image-targets-1"), "one");
  EXPECT_EQ(meant(names, "aaaaaaaa1"), "one");
  EXPECT_EQ(meant(names, "aaaaaaaa33334444"), "two");
  EXPECT_EQ(meant(names, "aaaaaaaa"), "several");
  EXPECT_EQ(meant(names, "aaaaaaa"), "none") << "too short to mean anything";
  EXPECT_EQ(meant(names, "bbbbbbbbb"), "none");
}

TEST(KeyNames, DoNotChooseBetweenTwoHoldersOfOneName) {
  KeyNames names;
  names.add(kFirst, {"brakes", "supplier-1"});
  names.add(kSecond, {"brakes", "supplier-2"});
  EXPECT_EQ(meant(names, "brakes"), "several");
}

TEST(KeyNames, LabelAKeyByNameAndHolderOrElseByItsId) {
  KeyNames names;
  names.add(kFirst, {"brakes", "supplier-1"});
  EXPECT_EQ(names.label(kFirst), "brakes (supplier-1)");
  EXPECT_EQ(names.label(kSecond), "aaaaaaaa33334444");
}

}  // namespace
}  // namespace cotter::app
