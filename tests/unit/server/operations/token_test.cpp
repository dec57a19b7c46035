#include "server/operations/token.h"

#include <gtest/gtest.h>

#include <string>

namespace cotter::operations {
namespace {

TEST(Token, IsKnownAgainByItsHashAloneAndNeverTheSameTwice) {
  const crypto::Secret one = new_token();
  const crypto::Secret other = new_token();
  const std::string text(as_text(one.view()));
  EXPECT_EQ(text.size(), 71U);
  EXPECT_TRUE(text.starts_with("cotter-"));
  EXPECT_EQ(bearer_hash("Bearer " + text), token_hash(text));
  EXPECT_EQ(bearer_hash("bearer " + text), token_hash(text));
  EXPECT_NE(token_hash(text), token_hash(as_text(other.view())));
}

TEST(Token, IsNothingInAnyOtherSpelling) {
  const std::string good = "cotter-" + std::string(64, 'a');
  EXPECT_TRUE(token_hash(good));
  for (const std::string& bad : {std::string(), good + "a", good.substr(1), "cotter-" + std::string(64, 'A'),
                                 "cotter-" + std::string(63, 'a') + "g", std::string(71, 'a')}) {
    EXPECT_FALSE(token_hash(bad)) << bad;
  }
  for (const std::string& bad :
       {good, "Basic " + good, "Bearer  " + good, std::string("Bearer"), "Bearer " + good + " "}) {
    EXPECT_FALSE(bearer_hash(bad)) << bad;
  }
}

}  // namespace
}  // namespace cotter::operations
