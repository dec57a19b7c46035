#include "common/wire/messages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/unit/common/expect_rule.h"

namespace cotter::wire {
namespace {

using test::verdict;

std::vector<Request> requests() {
  return {ReportRequest{},
          MetadataOffer{},
          File{*from_hex("0102")},
          Absent{},
          StageBegin{TargetName("team/ecu/image.bin"), 77},
          Chunk{9, *from_hex("aabbcc")},
          TransferEnd{},
          Commit{},
          RestoreBegin{5},
          BackupRead{64, 32},
          Abort{},
          NonceRequest{},
          TimeOffer{*from_hex("7b7d")}};
}

std::vector<Reply> replies() {
  return {Report{false, true, *from_hex("7b7d")},
          Want{Repository::Image, RoleName("brakes"), Version(7), 1024},
          Want{Repository::Director, RoleName("timestamp"), std::nullopt, 1},
          Verified{Verified::Image{TargetName("a/b"), 3}},
          Verified{},
          Willing{},
          Ready{4},
          Ack{5},
          Staged{},
          Outcome{true, "installed", "a/b runs"},
          Data{*from_hex("00")},
          Done{},
          Refused{Repository::Director, "targets", "targets-expired", "later", "earlier"},
          Refused{std::nullopt, "image", "image-hash-wrong", "", ""},
          Failed{Fault::Kind::NoSpace, "disk full"},
          Nonce{"000102030405060708090a0b0c0d0e0f"}};
}

Result<Request> request_in(ByteView frame) {
  const Header header = TRY(read_header(frame.first(kHeaderSize), kMaxPayload));
  return decode_request(header.type, frame.subspan(kHeaderSize));
}
Result<Reply> reply_in(ByteView frame) {
  const Header header = TRY(read_header(frame.first(kHeaderSize), kMaxPayload));
  return decode_reply(header.type, frame.subspan(kHeaderSize));
}

TEST(Messages, ComeBackByteForByte) {
  for (const Request& request : requests()) {
    const Bytes frame = encode(request);
    const auto read = request_in(frame);
    ASSERT_TRUE(read) << request.index();
    EXPECT_EQ(read->index(), request.index());
    EXPECT_EQ(encode(*read), frame) << request.index();
  }
  for (const Reply& reply : replies()) {
    const Bytes frame = encode(reply);
    const auto read = reply_in(frame);
    ASSERT_TRUE(read) << reply.index();
    EXPECT_EQ(read->index(), reply.index());
    EXPECT_EQ(encode(*read), frame) << reply.index();
  }
}

TEST(Messages, EveryKindIsTested) {
  std::vector<bool> seen_requests(std::variant_size_v<Request>);
  std::vector<bool> seen_replies(std::variant_size_v<Reply>);
  for (const Request& request : requests()) seen_requests[request.index()] = true;
  for (const Reply& reply : replies()) seen_replies[reply.index()] = true;
  EXPECT_EQ(std::count(seen_requests.begin(), seen_requests.end(), false), 0);
  EXPECT_EQ(std::count(seen_replies.begin(), seen_replies.end(), false), 0);
}

TEST(Messages, AreRefusedCutShortOrWithMoreAfterThem) {
  for (const Request& request : requests()) {
    Bytes frame = encode(request);
    for (std::size_t size = kHeaderSize; size < frame.size(); ++size) {
      EXPECT_EQ(verdict(request_in(ByteView(frame).first(size))), "frame-malformed") << request.index();
    }
    frame.push_back(0);
    EXPECT_EQ(verdict(request_in(frame)), "frame-malformed") << request.index();
  }
}

TEST(Messages, RefuseTypesTheyDoNotKnow) {
  for (const int type : {0x00, 0x0e, 0x7f, 0x80, 0x81, 0xff}) {
    EXPECT_EQ(verdict(decode_request(static_cast<std::uint8_t>(type), {})), "frame-malformed") << type;
  }
  for (const int type : {0x00, 0x01, 0x80, 0x8e, 0xff}) {
    EXPECT_EQ(verdict(decode_reply(static_cast<std::uint8_t>(type), {})), "frame-malformed") << type;
  }
}

TEST(Messages, RefuseARepositoryOrAFaultThatIsNone) {
  const Bytes want = encode(Reply(Want{Repository::Image, RoleName("root"), Version(2), 9}));
  Bytes other = want;
  other[kHeaderSize] = 2;
  EXPECT_EQ(verdict(reply_in(other)), "frame-malformed");
  Bytes failed = encode(Reply(Failed{Fault::Kind::Io, ""}));
  failed[kHeaderSize] = 99;
  EXPECT_EQ(verdict(reply_in(failed)), "frame-malformed");
}

TEST(Messages, CarryARejectionAsARejection) {
  const Error error = Rejection{Repository::Image, "timestamp", RuleId::TimestampExpired, "later", "now"};
  const Reply reply = reply_of(error);
  const Error back = error_of(std::get<Refused>(*reply_in(encode(reply))));
  EXPECT_EQ(summary(back), summary(error));
  ASSERT_NE(rejection_in(back), nullptr);
  EXPECT_EQ(rejection_in(back)->rule, RuleId::TimestampExpired);
}

TEST(Messages, CarryAFaultWithItsKind) {
  const Reply reply = reply_of(Fault{Fault::Kind::NoSpace, "slots/b.bin: full", "hint"});
  EXPECT_TRUE(is_fault(error_of(std::get<Failed>(reply)), Fault::Kind::NoSpace));
}

TEST(Messages, TakeARuleOfALaterVersionAsADenial) {
  const Error error = error_of(Refused{std::nullopt, "image", "rule-of-tomorrow", "", ""});
  EXPECT_TRUE(is_fault(error, Fault::Kind::Denied));
  EXPECT_NE(summary(error).find("rule-of-tomorrow"), std::string::npos);
}

TEST(Messages, LetNoEcuSteerATerminal) {
  const Error error = error_of(Refused{std::nullopt, "x\x1b[2J", "image-hash-wrong", "\n", "\xff"});
  for (const char c : summary(error)) EXPECT_TRUE(c >= ' ' && c <= '~');
}

}  // namespace
}  // namespace cotter::wire
