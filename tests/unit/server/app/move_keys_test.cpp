#include "server/app/move_keys.h"

#include <gtest/gtest.h>

#include "common/host/atomic_file.h"
#include "server/app/offline_keys.h"
#include "server/keys/file_log_signer.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/keystore_kit.h"

namespace cotter::app {
namespace {

namespace fs = std::filesystem;
using keystore::FileKeystore;
using test::kCheap;
using test::kMade;
using test::secret;

class MovedKeys : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(host::write_atomically(temp_.path() / "cotter.toml", {}));
    auto store = FileKeystore::create(keys(), secret("old words"), kCheap).value();
    ASSERT_TRUE(store.generate("image-snapshot", "image/snapshot", kMade));
    ASSERT_TRUE(store.generate("ledger", "ledger", kMade, crypto::Scheme::EcdsaP256));
  }
  [[nodiscard]] Workspace workspace() const { return Workspace::open(temp_.path()).value(); }
  [[nodiscard]] fs::path keys() const { return temp_.path() / "keys"; }
  [[nodiscard]] fs::path to() const { return temp_.path() / "elsewhere"; }
  Result<void> move(const char* old_words, const char* new_words) {
    return move_online_keys(workspace(), MovePassphrases{secret(old_words), secret(new_words)}, to(), kMade,
                            kCheap);
  }

 private:
  sim::TempDir temp_;
};

TEST_F(MovedKeys, AreTheSameKeysUnderAPassphraseOfTheirOwn) {
  const auto before = keystore::list_keys(keys()).value();
  ASSERT_TRUE(move("old words", "new words"));
  EXPECT_FALSE(fs::exists(keys()));
  const auto after = keystore::list_keys(to()).value();
  ASSERT_EQ(after.size(), 2U);
  EXPECT_TRUE(is_fault(FileKeystore::open(to(), secret("old words")).error(), Fault::Kind::Denied));
  const auto store = FileKeystore::open(to(), secret("new words")).value();
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].id, before[i].id);
    EXPECT_EQ(after[i].created, before[i].created);
    const auto signature = store.signer(after[i].name).value()->sign(as_bytes("a file")).value();
    EXPECT_TRUE(before[i].key.verifies(as_bytes("a file"), signature.bytes));
  }
}

TEST_F(MovedKeys, TakeAlongWhatTheLedgersSignedLast) {
  const crypto::PublicKey ledger =
      FileKeystore::open(keys(), secret("old words"))->signer("ledger").value()->public_key();
  ASSERT_TRUE(host::write_atomically(keys::signed_head_path(keys(), ledger), as_bytes("a checkpoint")));
  ASSERT_TRUE(move("old words", "new words"));
  EXPECT_FALSE(fs::exists(keys())) << "nothing stays";
  EXPECT_EQ(host::read_file(keys::signed_head_path(to(), ledger), 100).value(), to_bytes("a checkpoint"));
}

TEST_F(MovedKeys, StayWhereTheyAreWhenSomethingIsWrong) {
  EXPECT_TRUE(is_fault(move("old words", "old words").error(), Fault::Kind::Usage))
      << "the server knows these";
  EXPECT_TRUE(is_fault(move("wrong words", "new words").error(), Fault::Kind::Denied));
  EXPECT_FALSE(fs::exists(to()));
  ASSERT_TRUE(FileKeystore::create(to(), secret("others"), kCheap)->generate("other", "other", kMade));
  EXPECT_TRUE(is_fault(move("old words", "new words").error(), Fault::Kind::Conflict));
  EXPECT_EQ(keystore::list_keys(keys())->size(), 2U);
  EXPECT_EQ(keystore::list_keys(to())->size(), 1U);
}

TEST_F(MovedKeys, AreOutOfAServersReachAndOthersAreNot) {
  const crypto::Secret words = secret("old words");
  EXPECT_TRUE(is_fault(refuse_online_keys(workspace(), std::span(&words, 1)).error(), Fault::Kind::Denied));
  const crypto::Secret others = secret("others");
  EXPECT_TRUE(refuse_online_keys(workspace(), std::span(&others, 1)));
  ASSERT_TRUE(move("old words", "new words"));
  EXPECT_TRUE(refuse_online_keys(workspace(), std::span(&words, 1)));
}

}  // namespace
}  // namespace cotter::app
