// What a thief of a release role's key can do who has the image repository's online keys as well and writes
// what he likes: our writer publishes it unseen, and our client looks for images as a vehicle does.
#include <gtest/gtest.h>

#include "common/trust/draft.h"
#include "server/app/release_role.h"
#include "tests/unit/server/fleet.h"
#include "tests/unit/server/release_workspace.h"

namespace cotter::app {
namespace {

using test::kFirmware;
using test::kNow;

class StolenReleaseKey : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(ws_.init_role({0, 1}, kBits)); }

  /// Signs and publishes `file` as one of the role's.
  Result<void> publish(const RoleName& role, model::Targets file) const {
    RepositoryWriter writer = TRY(RepositoryWriter::open(ws_.workspace(), kNow));
    const ReleaseNumbers numbers = TRY(writer.begin_release({{kFirmware, {}}}, {}));
    file.version = numbers.releases.front();
    file.expires = kNow + kBinLifetime;
    trust::Draft<model::Targets> draft(file);
    TRY(draft.sign(*ws_.release_key.front()));
    SignedFiles files(writer.layout(), kFirmware, numbers.releases.front());
    files.add({role}, TRY(files.write(draft.wire())));
    TRY(writer.publish_release(numbers, files.files(), files.batch(), ws_.keys.online()));
    return {};
  }
  /// Into the bin that a vehicle looks for the name in.
  Result<void> publish(const TargetName& name, const HardwareId& hardware) const {
    model::SuccinctRoles bins;
    bins.bit_length = kBits;
    bins.name_prefix = kFirmware.value();
    model::Targets bin;
    bin.targets.emplace(name, test::entry_for("evil", {hardware}, 9));
    return publish(bins.bin_of(name), std::move(bin));
  }
  /// "found", or why not.
  [[nodiscard]] std::string look(const std::string& name, const std::string& hardware) const {
    const auto found = ws_.find(name, HardwareId(hardware));
    if (found) return "found";
    const Rejection* why = rejection_in(found.error());
    return why == nullptr ? summary(found.error()) : std::string(rule_of(why->rule).name);
  }

  static constexpr std::uint32_t kBits = 3;
  test::ReleaseWorkspace ws_;
};

TEST_F(StolenReleaseKey, ListsWhatItLikesWithinItsPathsAndHardware) {  // ATK-28
  ASSERT_TRUE(publish(TargetName("fw/evil"), HardwareId("hw-1")));
  EXPECT_EQ(look("fw/evil", "hw-1"), "found") << "so it can: the director's keys alone are still in between";
}

TEST_F(StolenReleaseKey, EndsAtItsPaths) {  // ATK-28, VER-44
  ASSERT_TRUE(publish(TargetName("brakes/evil"), HardwareId("hw-1")));
  EXPECT_EQ(look("brakes/evil", "hw-1"), "target-not-found");
}

TEST_F(StolenReleaseKey, EndsAtItsHardware) {  // ATK-28, VER-44
  ASSERT_TRUE(publish(TargetName("fw/evil"), HardwareId("hw-9")));
  EXPECT_EQ(look("fw/evil", "hw-9"), "target-not-found");
}

TEST_F(StolenReleaseKey, EndsAtItsPathsWhateverItDelegatesTo) {  // ATK-28, VER-44
  model::Targets file;
  model::Delegations& delegations = file.delegations.emplace();
  const crypto::PublicKey& key = ws_.release_key.front()->public_key();
  delegations.keys.emplace(key.computed_id(), key);
  model::DelegatedRole& entry = delegations.roles.emplace_back();
  entry.name = RoleName("fw-0");
  entry.keys = {{key.computed_id()}, 1};
  entry.paths = {"*/*"};
  entry.any_hardware = true;
  ASSERT_TRUE(publish(kFirmware, std::move(file)));
  model::Targets below;
  below.targets.emplace(TargetName("brakes/evil"), test::entry_for("evil", {HardwareId("hw-1")}, 9));
  below.targets.emplace(TargetName("fw/evil"), test::entry_for("evil", {HardwareId("hw-1")}, 9));
  ASSERT_TRUE(publish(RoleName("fw-0"), std::move(below)));
  EXPECT_EQ(look("fw/evil", "hw-1"), "found");
  EXPECT_EQ(look("brakes/evil", "hw-1"), "target-not-found");
}

}  // namespace
}  // namespace cotter::app
