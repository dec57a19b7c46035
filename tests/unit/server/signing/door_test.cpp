// The signing process's socket under good callers and bad ones: real sockets, a real loop.
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "server/signing/remote_signer.h"
#include "server/signing/socket_server.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/expect_rule.h"
#include "tests/unit/server/fleet.h"

namespace cotter::signing {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kSoon{10};

/// A socket server on a thread, which signs whatever comes with the key that it is told to.
class Serving {
 public:
  Serving(DoorOptions options, test::NumberedSigner& key)
      : stop_(::eventfd(0, EFD_CLOEXEC)),
        door_(SocketServer::listen(std::move(options),
                                   [&key](const Request& request, uid_t) -> Answer {
                                     if (request.key != "image-timestamp")
                                       return Failed{Fault::Kind::NotFound, "no such key"};
                                     const auto* asked = std::get_if<SignThis>(&request.what);
                                     if (asked == nullptr) return KeyIs{key.public_key().encode()};
                                     if (as_text(asked->message) == "bad")
                                       return Refused{"expired", "it is over"};
                                     if (as_text(asked->message) == "short")
                                       return Refused{"ledger-shrinks", "it was longer"};
                                     if (as_text(asked->message) == "many")
                                       return Refused{"too-often", "wait"};
                                     return key.sign(asked->message).value();
                                   })
                  .value()),
        thread_([this] { EXPECT_TRUE(door_.run(stop_)); }) {}
  ~Serving() {
    const std::uint64_t one = 1;
    EXPECT_EQ(::write(stop_, &one, sizeof one), static_cast<ssize_t>(sizeof one));
    thread_.join();
    ::close(stop_);
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;

 private:
  int stop_;
  SocketServer door_;
  std::thread thread_;
};

class Door : public testing::Test {
 protected:
  [[nodiscard]] fs::path socket() const { return temp_.path() / "sign.sock"; }
  [[nodiscard]] DoorOptions options() const { return {socket(), {::geteuid()}}; }
  [[nodiscard]] UnixSocket line() const { return UnixSocket::connect(socket()).value(); }
  [[nodiscard]] std::unique_ptr<RemoteSigner> signer() const {
    return RemoteSigner::connect(socket(), "image-timestamp").value();
  }
  /// Whether the server still answers others.
  void expect_service() const { EXPECT_TRUE(signer()->sign(as_bytes("a file"))); }
  /// Nothing more comes, and the end of it.
  static void expect_hung_up(UnixSocket& line) {
    const auto answer = line.receive(1, kSoon);
    ASSERT_FALSE(answer);
    EXPECT_TRUE(is_fault(answer.error(), Fault::Kind::Io)) << summary(answer.error());
  }
  static Bytes frame(std::string_view payload) {
    Bytes bytes{0, 0, 0, static_cast<std::uint8_t>(payload.size())};
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return bytes;
  }
  test::NumberedSigner key{60};

 private:
  sim::TempDir temp_;
};

TEST_F(Door, HandsOverSignaturesAndThePublicKey) {
  const Serving serving(options(), key);
  const auto remote = signer();
  EXPECT_EQ(remote->public_key().material(), key.public_key().material());
  const auto signature = remote->sign(as_bytes("a file"));
  ASSERT_TRUE(signature) << summary(signature.error());
  EXPECT_EQ(signature->keyid, key.public_key().computed_id());
  EXPECT_TRUE(key.public_key().verifies(as_bytes("a file"), signature->bytes));
}

TEST_F(Door, NamesThePolicyThatRefused) {
  const Serving serving(options(), key);
  const auto remote = signer();
  const auto refused = remote->sign(as_bytes("bad"));
  ASSERT_FALSE(refused);
  EXPECT_TRUE(is_fault(refused.error(), Fault::Kind::Denied));
  EXPECT_NE(summary(refused.error()).find("expired: it is over"), std::string::npos)
      << summary(refused.error());
  EXPECT_TRUE(is_fault(remote->sign(as_bytes("many")).error(), Fault::Kind::Busy));
  EXPECT_TRUE(is_fault(remote->sign(as_bytes("short")).error(), Fault::Kind::Conflict));
  EXPECT_TRUE(remote->sign(as_bytes("good"))) << "a refusal is not the end";
}

TEST_F(Door, IsFoundAgainAfterARestart) {
  auto serving = std::make_unique<Serving>(options(), key);
  const auto remote = signer();
  EXPECT_TRUE(remote->sign(as_bytes("a file")));
  serving.reset();
  const auto meanwhile = remote->sign(as_bytes("a file"));
  ASSERT_FALSE(meanwhile);
  EXPECT_TRUE(is_fault(meanwhile.error(), Fault::Kind::Busy)) << summary(meanwhile.error());
  serving = std::make_unique<Serving>(options(), key);
  EXPECT_TRUE(remote->sign(as_bytes("a file")));
}

TEST_F(Door, BelievesNoSignatureOfAnotherKey) {
  auto serving = std::make_unique<Serving>(options(), key);
  const auto remote = signer();
  serving.reset();
  test::NumberedSigner other(61);
  serving = std::make_unique<Serving>(options(), other);
  const auto signature = remote->sign(as_bytes("a file"));
  ASSERT_FALSE(signature);
  EXPECT_TRUE(is_fault(signature.error(), Fault::Kind::Denied));
  EXPECT_NE(summary(signature.error()).find("another key"), std::string::npos) << summary(signature.error());
}

TEST_F(Door, HangsUpOnWhateverIsNoRequest) {
  const Serving serving(options(), key);
  for (const Bytes& bad : {frame("garbage"), frame("{}"), frame(R"({"ask":"give","key":"image-timestamp"})"),
                           frame(R"({"ask":"key","key":"image-timestamp","more":1})"),
                           frame(R"({"ask":"sign","key":"image-timestamp","message":"!"})"),
                           frame(R"({"ask":"sign","key":"k","message":"","last":""})"),
                           frame(R"({"ask":"sign","key":"k","message":"","proof":[]})"),
                           frame(R"({"ask":"sign","key":"k","message":"","last":"","proof":["AA=="]})"),
                           frame(""), Bytes{0xff, 0xff, 0xff, 0xff, '{'}}) {
    UnixSocket caller = line();
    ASSERT_TRUE(caller.send(bad, kSoon));
    expect_hung_up(caller);
  }
  expect_service();
}

TEST_F(Door, HoldsUpNobodyForASlowCaller) {
  DoorOptions impatient = options();
  impatient.patience = milliseconds(50);
  const Serving serving(impatient, key);
  UnixSocket half = line();
  ASSERT_TRUE(half.send(ByteView(frame(R"({"ask":"key","key":"image-timestamp"})")).first(20), kSoon));
  UnixSocket only_a_length = line();
  ASSERT_TRUE(only_a_length.send(Bytes{0, 0x7f, 0, 0}, kSoon));
  UnixSocket silent = line();
  expect_service();
  expect_hung_up(half);
  expect_hung_up(only_a_length);
  EXPECT_FALSE(silent.hung_up()) << "who says nothing costs nothing";
}

TEST_F(Door, HoldsUpNobodyForACallerThatTakesNoAnswer) {
  DoorOptions impatient = options();
  impatient.patience = milliseconds(50);
  const Serving serving(impatient, key);
  UnixSocket deaf = line();
  const Bytes question = frame(R"({"ask":"key","key":"image-timestamp"})");
  // Until nothing more fits: the server has stopped reading, for nobody takes its answers.
  while (deaf.send(question, milliseconds(20))) {
  }
  expect_service();
}

TEST_F(Door, LetsTheOneIdleLongestGiveWayToTheNext) {
  DoorOptions small = options();
  small.max_connections = 2;
  const Serving serving(small, key);
  const auto first = signer();
  UnixSocket second = line();
  const auto third = signer();
  expect_service();  // a fourth
  expect_hung_up(second);
  EXPECT_TRUE(third->sign(as_bytes("a file")));
  EXPECT_TRUE(first->sign(as_bytes("a file"))) << "it connects again";
}

TEST_F(Door, IsForItsOwnAccountAloneWhereNoOtherCalls) {
  const Serving serving(options(), key);
  struct stat made {};
  ASSERT_EQ(::stat(socket().c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777U, 0600U);
}

TEST_F(Door, TurnsOtherAccountsAway) {  // KEY-10
  DoorOptions for_another = options();
  for_another.callers = {::geteuid() + 1};
  const Serving serving(for_another, key);
  struct stat made {};
  ASSERT_EQ(::stat(socket().c_str(), &made), 0);
  EXPECT_EQ(made.st_mode & 0777U, 0660U);
  const auto remote = RemoteSigner::connect(socket(), "image-timestamp");
  ASSERT_FALSE(remote);
  EXPECT_TRUE(is_fault(remote.error(), Fault::Kind::Denied)) << summary(remote.error());
  EXPECT_NE(summary(remote.error()).find("caller-not-allowed"), std::string::npos) << summary(remote.error());
}

TEST_F(Door, OpensWhereAKilledProcessLeftItsSocket) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto left = UnixSocket::listen(socket(), 0600, std::nullopt);
    ::_exit(left ? 0 : 1);  // no destructor runs: the socket stays
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(fs::exists(socket()));
  EXPECT_TRUE(is_fault(UnixSocket::connect(socket()).error(), Fault::Kind::NotFound));
  const Serving serving(options(), key);
  expect_service();
}

TEST_F(Door, DoesNotOpenTwiceNorOnAFile) {
  {
    const Serving serving(options(), key);
    EXPECT_TRUE(is_fault(UnixSocket::listen(socket(), 0600, std::nullopt).error(), Fault::Kind::Busy));
    expect_service();
  }
  EXPECT_FALSE(fs::exists(socket())) << "gone with its process";
  fs::create_directory(socket());
  EXPECT_TRUE(is_fault(UnixSocket::listen(socket(), 0600, std::nullopt).error(), Fault::Kind::Conflict));
}

TEST_F(Door, SaysWhenNobodyIsThere) {
  const auto remote = RemoteSigners::open(socket());
  ASSERT_FALSE(remote);
  EXPECT_TRUE(is_fault(remote.error(), Fault::Kind::NotFound));
  EXPECT_NE(std::get<Fault>(remote.error()).hint.find("--role sign"), std::string::npos);
  EXPECT_TRUE(is_fault(UnixSocket::connect(std::string(200, 'x')).error(), Fault::Kind::Usage));
}

TEST(SigningProtocol, WhatIsWrittenReadsTheSame) {
  const auto payload = [](const Bytes& frame) { return ByteView(frame).subspan(kLengthBytes); };
  const Bytes asked = encode(Request{"ledger", to_bytes("text\n")});
  EXPECT_EQ(read_length(ByteView(asked).first(kLengthBytes)).value(), asked.size() - kLengthBytes);
  const ledger::Growth growth{"text\n", {ledger::empty_root(), ledger::leaf_hash({})}};
  for (const Request& request :
       {Request{"ledger"}, Request{"ledger", WhichLast()}, Request{"ledger", to_bytes("text\n")},
        Request{"ledger", SignThis(to_bytes("text\n"), growth)},
        Request{"ledger", SignThis({}, ledger::Growth())}}) {
    EXPECT_EQ(decode_request(payload(encode(request))).value(), request);
  }
  const Bytes last = encode(Answer(LastIs{ledger::SignedHead{7, {1, 2}}}));
  EXPECT_EQ(std::get<LastIs>(decode_answer(payload(last)).value()).head.value().size, 7U);
  EXPECT_FALSE(std::get<LastIs>(decode_answer(payload(encode(Answer(LastIs())))).value()).head);
  const Bytes signature = encode(Answer(crypto::Signature{KeyId("ab"), {1, 2, 3}}));
  EXPECT_EQ(std::get<crypto::Signature>(decode_answer(payload(signature)).value()).bytes, (Bytes{1, 2, 3}));
  for (const Fault::Kind kind : {Fault::Kind::NotFound, Fault::Kind::Busy, Fault::Kind::NoSpace}) {
    const Bytes failed = encode(Answer(Failed{kind, "why"}));
    EXPECT_EQ(std::get<Failed>(decode_answer(payload(failed)).value()).kind, kind);
  }
  EXPECT_EQ(test::verdict(read_length(Bytes{0xff, 0, 0, 0})), "frame-too-large");
}

}  // namespace
}  // namespace cotter::signing
