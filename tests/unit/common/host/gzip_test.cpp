#include "common/host/gzip.h"

#include <gtest/gtest.h>

#include <string>

#include "common/host/gunzip.h"

namespace cotter::host {
namespace {

Result<std::string> unpacked(ByteView packed, std::size_t piece, std::size_t most = 1U << 30U) {
  Gunzip gunzip;
  std::string out;
  const auto keep = [&](ByteView bytes) -> Result<void> {
    EXPECT_LE(bytes.size(), Gunzip::kMostAtOnce);
    if (out.size() + bytes.size() > most) return fault(Fault::Kind::NoSpace, "too much");
    out += as_text(bytes);
    return {};
  };
  for (; !packed.empty(); packed = packed.subspan(std::min(piece, packed.size())))
    TRY(gunzip.feed(packed.first(std::min(piece, packed.size())), keep));
  TRY(gunzip.finish());
  return out;
}

TEST(Gzip, UnpacksToWhatWasPackedHoweverItComes) {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "\"fw-" + std::to_string(i) + ".json\":{\"version\":7},";
  const Bytes packed = gzip(as_bytes(text));
  EXPECT_LT(packed.size() * 5, text.size());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, packed.size()})
    EXPECT_EQ(*unpacked(packed, piece), text);
  EXPECT_EQ(*unpacked(gzip({}), 1000), "");
}

TEST(Gzip, PacksTheSameToTheSame) {
  const Bytes packed = gzip(as_bytes("metadata"));
  EXPECT_EQ(packed, gzip(as_bytes("metadata")));
  EXPECT_EQ(Bytes(packed.begin() + 4, packed.begin() + 8), Bytes(4, 0)) << "no time in its header";
}

TEST(Gzip, FindsWhatIsDamagedCutShortOrLongerThanItsStream) {
  const Bytes packed = gzip(as_bytes("some metadata, and some more metadata"));
  for (std::size_t kept = 0; kept < packed.size(); ++kept)
    EXPECT_FALSE(unpacked(ByteView(packed).first(kept), 1000)) << kept;
  Bytes damaged = packed;
  damaged[packed.size() - 6] ^= 1;  // of its checksum
  EXPECT_TRUE(is_fault(unpacked(damaged, 1000).error(), Fault::Kind::Io));
  for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
    Bytes twice = packed;
    twice.insert(twice.end(), packed.begin(), packed.end());
    EXPECT_FALSE(unpacked(twice, piece));
  }
  EXPECT_FALSE(unpacked(as_bytes("{\"signed\":{}}"), 1000));
}

TEST(Gzip, EndsABombWhereItsSinkDoes) {
  const Bytes bomb = gzip(Bytes(64U << 20U, 0));
  ASSERT_LT(bomb.size(), 300'000U);
  EXPECT_TRUE(is_fault(unpacked(bomb, bomb.size(), 100'000).error(), Fault::Kind::NoSpace));
}

}  // namespace
}  // namespace cotter::host
