#include "common/trust/image_check.h"

#include <gtest/gtest.h>

#include "tests/unit/common/expect_rule.h"

namespace cotter::trust {
namespace {

using test::verdict;

model::Target target_of(std::string_view content) {
  model::Target target;
  target.length = content.size();
  target.hashes = crypto::Hashes::of(as_bytes(content));
  return target;
}

/// `content` in pieces of `piece` bytes, against what `target` lists.
std::string judged(const model::Target& target, std::string_view content, std::size_t piece) {
  ImageCheck check(target);
  for (ByteView rest = as_bytes(content); !rest.empty();) {
    const std::size_t size = std::min(piece, rest.size());
    if (const auto written = check.write(rest.first(size)); !written) return verdict(written);
    rest = rest.subspan(size);
  }
  return verdict(check.finish());
}

TEST(ImageCheck, TakesTheImageInPiecesOfAnySize) {  // PRI-13
  for (std::size_t piece = 1; piece <= 9; ++piece)
    EXPECT_EQ(judged(target_of("brake two"), "brake two", piece), "accepted");
  EXPECT_EQ(judged(target_of(""), "", 1), "accepted");
}

TEST(ImageCheck, RefusesTheFirstBytePastTheListedLength) {  // PRI-13, ATK-23
  ImageCheck check(target_of("brake"));
  ASSERT_TRUE(check.write(as_bytes("brake")));
  EXPECT_EQ(verdict(check.write(as_bytes("!"))), "image-too-long");
  EXPECT_EQ(judged(target_of("brake"), "brake two", 4), "image-too-long");
}

TEST(ImageCheck, RefusesAnImageThatEndsEarly) {  // PRI-13
  EXPECT_EQ(judged(target_of("brake two"), "brake tw", 3), "image-too-short");
  EXPECT_EQ(judged(target_of("brake two"), "", 3), "image-too-short");
}

TEST(ImageCheck, EveryListedHashMustFit) {  // PRI-13, GAP-13: not only the first
  for (const auto function : {crypto::HashFunction::Sha256, crypto::HashFunction::Sha512}) {
    model::Target target = target_of("brake two");
    Bytes digest = *target.hashes.find(function);
    digest.back() ^= 1;
    target.hashes.set(function, digest);
    EXPECT_EQ(judged(target, "brake two", 2), "image-hash-wrong");
  }
}

TEST(ImageCheck, NoBitMayChange) {  // ATK-31
  const std::string good = "brake two";
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    EXPECT_EQ(judged(target_of(good), bad, 4), "image-hash-wrong");
  }
}

}  // namespace
}  // namespace cotter::trust
