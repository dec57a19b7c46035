#include "common/keystore/file_keystore.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>

#include "common/host/atomic_file.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "tests/sim/small_disk.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/keystore_kit.h"

namespace cotter::keystore {
namespace {

namespace fs = std::filesystem;
using test::kCheap;
using test::kMade;
using test::secret;

/// A folder with one key, "root-1", under "holder-pass".
class KeystoreFile : public testing::Test {
 protected:
  void SetUp() override {
    auto store = FileKeystore::create(dir(), secret("holder-pass"), kCheap);
    ASSERT_TRUE(store);
    ASSERT_TRUE(store->generate("root-1", "image/root", kMade));
  }
  [[nodiscard]] fs::path dir() const { return temp_.path() / "holder"; }
  [[nodiscard]] fs::path file() const { return dir() / "root-1.key"; }

  /// Overwrites the one key file.
  void put(ByteView bytes) const {
    std::ofstream out(file(), std::ios::binary | std::ios::trunc);
    out << as_text(bytes);
  }
  /// Changes it as JSON.
  void edit(const std::function<void(json::Object&)>& change) const {
    json::Value document = *json::read(*host::read_file(file(), 65536));
    json::Object object = *document.as_object();
    change(object);
    put(as_bytes(json::to_text(object)));
  }
  void edit_encryption(const std::string& member, json::Value value) const {
    edit([&](json::Object& object) {
      json::Object encryption = *object.find("encryption")->as_object();
      encryption.set(member, std::move(value));
      object.set("encryption", encryption);
    });
  }

 private:
  sim::TempDir temp_;
};

TEST_F(KeystoreFile, SignsWhatItsPublicKeyVerifies) {
  const auto store = FileKeystore::open(dir(), secret("holder-pass"));
  ASSERT_TRUE(store);
  const auto signer = store->signer("root-1");
  ASSERT_TRUE(signer);
  const auto signature = (*signer)->sign(as_bytes("message"));
  ASSERT_TRUE(signature);
  const auto keys = list_keys(dir());
  ASSERT_TRUE(keys);
  EXPECT_TRUE(keys->at(0).key.verifies(as_bytes("message"), signature->bytes));
  EXPECT_EQ(signature->keyid, keys->at(0).key.computed_id());
}

TEST_F(KeystoreFile, ListsPublicHalvesWithoutAPassphrase) {
  auto store = FileKeystore::open(dir(), secret("holder-pass"));
  ASSERT_TRUE(store);
  ASSERT_TRUE(store->generate("a-key", "", kMade));
  const auto keys = list_keys(dir());
  ASSERT_TRUE(keys);
  ASSERT_EQ(keys->size(), 2U);
  EXPECT_EQ(keys->at(0).name, "a-key");
  EXPECT_EQ(keys->at(1).name, "root-1");
  EXPECT_EQ(keys->at(1).role, "image/root");
  EXPECT_EQ(keys->at(1).created, kMade);
  EXPECT_EQ(keys->at(1).file, file());
}

TEST_F(KeystoreFile, WrongPassphraseIsDeniedInPlainWords) {
  const auto store = FileKeystore::open(dir(), secret("holder-pasS"));
  ASSERT_FALSE(store);
  EXPECT_TRUE(is_fault(store.error(), Fault::Kind::Denied));
  EXPECT_NE(summary(store.error()).find("wrong passphrase"), std::string::npos);
}

TEST_F(KeystoreFile, FilesAndFolderAreTheOwnersAlone) {
  struct stat status {};
  ASSERT_EQ(::stat(file().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
  ASSERT_EQ(::stat(dir().c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0700U);
}

TEST_F(KeystoreFile, EveryTruncatedFileIsDamagedAndNamed) {
  const Bytes whole = *host::read_file(file(), 65536);
  for (std::size_t size = 0; size + 2 < whole.size(); size += 7) {
    put(ByteView(whole).first(size));
    const auto keys = list_keys(dir());
    ASSERT_FALSE(keys) << size;
    EXPECT_TRUE(is_fault(keys.error(), Fault::Kind::Io)) << summary(keys.error());
    EXPECT_NE(summary(keys.error()).find("root-1.key"), std::string::npos);
  }
}

TEST_F(KeystoreFile, NoChangedByteGoesUnnoticed) {
  const Bytes whole = *host::read_file(file(), 65536);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (whole[i] == ' ' || whole[i] == '\n') continue;  // white space between members says nothing
    Bytes changed = whole;
    changed[i] ^= 1U;
    put(changed);
    const auto store = FileKeystore::open(dir(), secret("holder-pass"));
    EXPECT_FALSE(store && store->signer("root-1")) << "byte " << i << " of\n" << as_text(whole);
  }
}

TEST_F(KeystoreFile, PublicHalfOfAnotherKeyIsNoticed) {
  auto store = FileKeystore::open(dir(), secret("holder-pass"));
  ASSERT_TRUE(store);
  const auto other = store->generate("other", "image/root", kMade);
  ASSERT_TRUE(other);
  edit([&](json::Object& object) {
    object.set("key", other->key.encode());
    object.set("keyid", other->id.value());
  });
  const auto signer = store->signer("root-1");
  ASSERT_FALSE(signer);
  EXPECT_TRUE(is_fault(signer.error(), Fault::Kind::Io)) << summary(signer.error());
}

TEST_F(KeystoreFile, RenamedFileIsNoticed) {
  fs::rename(file(), dir() / "timestamp.key");
  EXPECT_FALSE(list_keys(dir()));
}

TEST_F(KeystoreFile, CostOutOfBoundsIsRefusedBeforeItIsPaid) {
  edit_encryption("memory_kib", std::uint64_t{1} << 40U);
  EXPECT_TRUE(is_fault(FileKeystore::open(dir(), secret("holder-pass")).error(), Fault::Kind::Io));
  edit_encryption("memory_kib", 8);
  edit_encryption("passes", std::uint64_t{1} << 40U);
  EXPECT_TRUE(is_fault(FileKeystore::open(dir(), secret("holder-pass")).error(), Fault::Kind::Io));
  edit_encryption("passes", 1);
  EXPECT_TRUE(FileKeystore::open(dir(), secret("holder-pass")));
}

TEST_F(KeystoreFile, NeverWritesThePrivateHalfInClear) {
  auto store = FileKeystore::open(dir(), secret("holder-pass"));
  ASSERT_TRUE(store);
  const Bytes bytes = *host::read_file(file(), 65536);
  EXPECT_EQ(as_text(bytes).find("holder-pass"), std::string_view::npos);
  // 32 bytes of seed and 16 of seal, in hex: the seed itself cannot be in there unnoticed.
  const json::Value document = *json::read(bytes);
  EXPECT_EQ(document.as_object()->find("secret")->as_string()->size(), 96U);
}

TEST_F(KeystoreFile, OneNameHasOneKey) {
  auto store = FileKeystore::open(dir(), secret("holder-pass"));
  ASSERT_TRUE(store);
  const KeyInfo before = list_keys(dir())->at(0);
  const auto again = store->generate("root-1", "image/root", kMade);
  ASSERT_FALSE(again);
  EXPECT_TRUE(is_fault(again.error(), Fault::Kind::Conflict));
  EXPECT_EQ(list_keys(dir())->at(0).id, before.id);
}

TEST_F(KeystoreFile, NameNeverLeavesTheFolder) {
  auto store = FileKeystore::open(dir(), secret("holder-pass"));
  ASSERT_TRUE(store);
  for (const std::string& name :
       {std::string(), std::string("../up"), std::string("a/b"), std::string(".hidden"), std::string("a b"),
        std::string(65, 'a'), std::string("a\0b", 3)}) {
    const auto key = store->generate(name, "", kMade);
    ASSERT_FALSE(key) << name;
    EXPECT_TRUE(is_fault(key.error(), Fault::Kind::Usage));
    EXPECT_FALSE(store->signer(name));
  }
}

TEST_F(KeystoreFile, StartingOverAFolderWithKeysIsRefused) {
  const auto store = FileKeystore::create(dir(), secret("another-pass"), kCheap);
  ASSERT_FALSE(store);
  EXPECT_TRUE(is_fault(store.error(), Fault::Kind::Conflict));
}

TEST_F(KeystoreFile, KeyFromAnotherFolderIsToldApartFromADamagedOne) {
  const sim::TempDir elsewhere;
  auto other = FileKeystore::create(elsewhere.path() / "keys", secret("another-pass"), kCheap);
  ASSERT_TRUE(other);
  ASSERT_TRUE(other->generate("visitor", "", kMade));
  fs::copy(elsewhere.path() / "keys" / "visitor.key", dir());
  const auto store = FileKeystore::open(dir(), secret("holder-pass"));
  ASSERT_TRUE(store);
  EXPECT_TRUE(store->signer("root-1"));
  const auto visitor = store->signer("visitor");
  ASSERT_FALSE(visitor);
  EXPECT_TRUE(is_fault(visitor.error(), Fault::Kind::Denied));
}

TEST_F(KeystoreFile, MissingFolderAndMissingKeyAreNotFound) {
  EXPECT_TRUE(is_fault(list_keys(dir() / "no").error(), Fault::Kind::NotFound));
  EXPECT_TRUE(is_fault(FileKeystore::open(dir() / "no", secret("x")).error(), Fault::Kind::NotFound));
  const auto store = FileKeystore::open(dir(), secret("holder-pass"));
  ASSERT_TRUE(store);
  EXPECT_TRUE(is_fault(store->signer("root-2").error(), Fault::Kind::NotFound));
  fs::remove(file());
  EXPECT_TRUE(is_fault(FileKeystore::open(dir(), secret("holder-pass")).error(), Fault::Kind::NotFound));
}

TEST(KeystoreFileOnFullDisk, LeavesNoHalfKey) {
  const sim::SmallDisk disk("64k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs is not allowed here";
  auto store = FileKeystore::create(disk.path() / "keys", secret("holder-pass"), kCheap);
  ASSERT_TRUE(store);
  disk.fill();
  const auto key = store->generate("root-1", "image/root", kMade);
  ASSERT_FALSE(key);
  EXPECT_TRUE(is_fault(key.error(), Fault::Kind::NoSpace)) << summary(key.error());
  EXPECT_TRUE(fs::is_empty(disk.path() / "keys"));
}

TEST(KeystoreFileCost, DefaultIsWhatRfc9106Recommends) {
  EXPECT_GE(KdfCost{}.memory_kib, 64U * 1024);
  EXPECT_GE(KdfCost{}.passes, 3U);
}

}  // namespace
}  // namespace cotter::keystore
