#include "common/wire/frame.h"

#include <gtest/gtest.h>

#include "tests/unit/common/expect_rule.h"

namespace cotter::wire {
namespace {

using test::verdict;

Bytes header(std::string_view hex) { return *from_hex(hex); }

TEST(Frame, StartsWithMagicVersionTypeAndLength) {
  EXPECT_EQ(to_hex(framed(0x05, *from_hex("aabb"))),
            "437401050000"
            "0002aabb");
}

TEST(Frame, ReadsBackItsOwnHeader) {
  const Bytes frame = framed(0x81, Bytes(300));
  const Header read = *read_header(ByteView(frame).first(kHeaderSize), kMaxPayload);
  EXPECT_EQ(read.type, 0x81);
  EXPECT_EQ(read.length, 300U);
}

TEST(Frame, RefusesAnotherMagicOrVersion) {
  EXPECT_EQ(verdict(read_header(header("4775010500000002"), 9)), "frame-malformed");
  EXPECT_EQ(verdict(read_header(header("4374020500000002"), 9)), "frame-malformed");
  EXPECT_EQ(verdict(read_header(header("43740105000000"), 9)), "frame-malformed");
}

// ATK-23: endless data is refused by what the header announces, before a byte of it is read.
TEST(Frame, RefusesOneByteOverTheLimit) {
  EXPECT_EQ(verdict(read_header(header("4374010500000009"), 9)), "accepted");
  EXPECT_EQ(verdict(read_header(header("437401050000000a"), 9)), "frame-too-large");
  EXPECT_EQ(verdict(read_header(header("43740105ffffffff"), kMaxPayload)), "frame-too-large");
}

TEST(Fields, ComeBackAsTheyWereWritten) {
  FieldWriter out;
  out.u8(7);
  out.flag(true);
  out.u64(0x0102030405060708);
  out.text("name");
  out.blob(*from_hex("00ff"));
  FieldReader in(out.bytes());
  EXPECT_EQ(*in.u8(), 7);
  EXPECT_TRUE(*in.flag());
  EXPECT_EQ(*in.u64(), 0x0102030405060708U);
  EXPECT_EQ(*in.text(), "name");
  EXPECT_EQ(to_hex(*in.blob()), "00ff");
  EXPECT_EQ(verdict(in.end()), "accepted");
}

TEST(Fields, AreRefusedWhenCutShortAnywhere) {
  FieldWriter out;
  out.u64(1);
  out.text("name");
  out.blob(Bytes(5));
  for (std::size_t size = 0; size < out.bytes().size(); ++size) {
    FieldReader in(out.bytes().first(size));
    const auto read_all = [&]() -> Result<void> {
      TRY(in.u64());
      TRY(in.text());
      TRY(in.blob());
      return {};
    };
    EXPECT_EQ(verdict(read_all()), "frame-malformed") << size;
  }
}

TEST(Fields, RefuseAFlagThatIsNeither) {
  const Bytes two{2};
  EXPECT_EQ(verdict(FieldReader(two).flag()), "frame-malformed");
}

TEST(Fields, RefuseTextBeyondItsLimit) {
  Bytes text(2 + kMaxText + 1);
  text[0] = (kMaxText + 1) >> 8;
  text[1] = (kMaxText + 1) & 0xff;
  EXPECT_EQ(verdict(FieldReader(text).text()), "frame-malformed");
}

TEST(Fields, CutTextThatIsTooLongToSend) {
  FieldWriter out;
  out.text(std::string(2000, 'x'));
  EXPECT_EQ(FieldReader(out.bytes()).text()->size(), kMaxText);
}

TEST(Fields, RefuseWhatIsLeftOver) {
  const Bytes one{1};
  EXPECT_EQ(verdict(FieldReader(one).end()), "frame-malformed");
}

}  // namespace
}  // namespace cotter::wire
