#include "server/keys/keyring.h"

#include <gtest/gtest.h>

#include "common/keystore/file_keystore.h"
#include "common/model/roles.h"
#include "server/ceremony/holder.h"
#include "tests/sim/temp_dir.h"
#include "tests/unit/common/keystore_kit.h"

namespace cotter::keys {
namespace {

using test::kCheap;
using test::secret;

constexpr UtcTime kNow{std::chrono::seconds(1'900'000'000)};

keystore::Unlock unlock(const std::string& text) {
  return {[text] { return Result<crypto::Secret>(secret(text)); }, {}};
}

class KeyFolder : public testing::Test {
 protected:
  void make(std::initializer_list<const char*> names) {
    auto store = keystore::FileKeystore::create(dir(), secret("some-pass"), kCheap);
    ASSERT_TRUE(store);
    for (const char* name : names) ASSERT_TRUE(store->generate(name, "", kNow));
  }
  [[nodiscard]] std::filesystem::path dir() const { return temp_.path() / "keys"; }

 private:
  sim::TempDir temp_;
};

using Keyrings = KeyFolder;
using Holders = KeyFolder;

TEST_F(Keyrings, FindTheSignerOfEachOnlineRole) {
  make({"image-snapshot", "image-timestamp", "director-targets", "director-snapshot", "director-timestamp",
        "director-x-time-source"});
  auto ring = Keyring::open(dir(), unlock("some-pass"));
  ASSERT_TRUE(ring);
  const auto keys = keystore::list_keys(dir());
  ASSERT_TRUE(keys);
  for (const keystore::KeyInfo& key : *keys) {
    const auto dash = key.name.find('-');
    const Repository repository =
        key.name.substr(0, dash) == "image" ? Repository::Image : Repository::Director;
    const auto signer = ring->signer(repository, RoleName(key.name.substr(dash + 1)));
    ASSERT_TRUE(signer) << key.name;
    EXPECT_EQ((*signer)->public_key().material(), key.key.material());
  }
}

TEST_F(Keyrings, NeverHandOutAnOfflineRolesKeyEvenIfItLiesThere) {
  make({"image-snapshot", "image-root", "image-targets", "director-root"});
  auto ring = Keyring::open(dir(), unlock("some-pass"));
  ASSERT_TRUE(ring);
  EXPECT_TRUE(is_fault(ring->signer(Repository::Image, model::root_role()).error(), Fault::Kind::NotFound));
  EXPECT_TRUE(
      is_fault(ring->signer(Repository::Image, model::targets_role()).error(), Fault::Kind::NotFound));
  EXPECT_TRUE(
      is_fault(ring->signer(Repository::Director, model::root_role()).error(), Fault::Kind::NotFound));
}

TEST_F(Keyrings, TellAWrongPassphraseFromAMissingKey) {
  make({"image-snapshot"});
  EXPECT_TRUE(is_fault(Keyring::open(dir(), unlock("wrong-pass")).error(), Fault::Kind::Denied));
  auto ring = Keyring::open(dir(), unlock("some-pass"));
  ASSERT_TRUE(ring);
  EXPECT_TRUE(
      is_fault(ring->signer(Repository::Image, model::timestamp_role()).error(), Fault::Kind::NotFound));
}

TEST_F(Holders, HaveTheirKeysOfOneRoleByPrefix) {
  make({"image-root-2", "image-targets-2", "image-targetsmith", "director-root-2"});
  const auto signers = ceremony::open_holder(dir(), unlock("some-pass"), "image-targets");
  ASSERT_TRUE(signers);
  EXPECT_EQ(signers->size(), 1U);
  EXPECT_TRUE(is_fault(ceremony::open_holder(dir(), unlock("some-pass"), "image-brakes").error(),
                       Fault::Kind::NotFound));
  EXPECT_TRUE(is_fault(ceremony::open_holder(dir(), unlock("wrong-pass"), "image-root").error(),
                       Fault::Kind::Denied));
  EXPECT_TRUE(is_fault(ceremony::open_holder(dir() / "no", unlock("x"), "image-root").error(),
                       Fault::Kind::NotFound));
}

TEST(OfflineKeys, AreRootsAndImageTargets) {
  for (const char* name : {"image-root-1", "image-root", "image-targets-3", "director-root-2"}) {
    EXPECT_TRUE(ceremony::is_offline_key(name)) << name;
  }
  for (const char* name : {"image-snapshot", "director-targets", "image-rootless", "image-targets2"}) {
    EXPECT_FALSE(ceremony::is_offline_key(name)) << name;
  }
}

}  // namespace
}  // namespace cotter::keys
