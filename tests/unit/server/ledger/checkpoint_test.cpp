#include "server/ledger/checkpoint.h"

#include <gtest/gtest.h>

#include "tests/sim/sim_key.h"

namespace {

using namespace cotter;
using namespace cotter::ledger;

constexpr const char* kRoot = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";

TEST(Checkpoint, ReadsThreeLines) {
  const std::string text = std::string("example.com/behind-the-sofa\n20852163\n") + kRoot + "\n";
  const Checkpoint read = parse_checkpoint(text).value();
  EXPECT_EQ(read.origin, "example.com/behind-the-sofa");
  EXPECT_EQ(read.size, 20852163U);
  EXPECT_EQ(to_base64(read.root), kRoot);
  EXPECT_EQ(checkpoint_text(read), text);
  EXPECT_EQ(parse_checkpoint(std::string("log\n0\n") + kRoot + "\n")->size, 0U);
}

TEST(Checkpoint, RefusesWhateverCouldBeReadInTwoWays) {
  const std::string root = kRoot;
  for (const std::string& bad :
       {std::string(), std::string("\n"), std::string("log\n"), std::string("log\n1\n"), "log\n1\n" + root,
        "\n1\n" + root + "\n", "log\n\n" + root + "\n", "log\n01\n" + root + "\n", "log\n+1\n" + root + "\n",
        "log\n-1\n" + root + "\n", "log\n 1\n" + root + "\n", "log\n1 \n" + root + "\n",
        "log\n0x1\n" + root + "\n", "log\n4611686018427387905\n" + root + "\n",
        "log\n18446744073709551617\n" + root + "\n", "log\n1\n" + root + "\n\n",
        "log\n1\n" + root + "\nextension\n", "log\n1\n" + root.substr(1) + "\n", "log\n1\n" + root + "AAAA\n",
        std::string("log\n1\nAAAA\n"),
        // The last character's two lowest bits stand for nothing.
        "log\n1\n" + root.substr(0, 42) + "J=\n", "log\n1\n" + root.substr(0, 43) + "\n"}) {
    const auto parsed = parse_checkpoint(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_TRUE(is_fault(parsed.error(), Fault::Kind::Denied));
  }
}

TEST(Checkpoint, OpensWhatTheLogsKeySigned) {
  sim::SimKey key("ledger");
  const Checkpoint checkpoint{origin_of(key.public_key()), 7, leaf_hash(as_bytes("root"))};
  const std::string note = sign_checkpoint(checkpoint, key).value();
  EXPECT_EQ(open_checkpoint(note, verifier_key(key.public_key()).value()).value(), checkpoint);
}

TEST(Checkpoint, OfAnotherLogIsRefused) {
  sim::SimKey key("ledger");
  sim::SimKey other("ledger of a neighbour");
  const Checkpoint checkpoint{origin_of(key.public_key()), 7, {}};
  const std::string note = sign_checkpoint(checkpoint, key).value();
  EXPECT_FALSE(open_checkpoint(note, verifier_key(other.public_key()).value()));
  // Signed by the right key, yet about a log of another name.
  const std::string strange =
      sign_note("another\n7\n" + std::string(kRoot) + "\n", checkpoint.origin, key).value();
  EXPECT_FALSE(open_checkpoint(strange, verifier_key(key.public_key()).value()));
}

TEST(Checkpoint, SomeOtherSignedTextIsNone) {
  sim::SimKey key("ledger");
  const std::string note = sign_note("hello\n", origin_of(key.public_key()), key).value();
  EXPECT_FALSE(open_checkpoint(note, verifier_key(key.public_key()).value()));
}

}  // namespace
