#include "server/signing/release_policy.h"

#include <gtest/gtest.h>

#include "common/crypto/digest.h"
#include "server/repository/bins.h"
#include "server/signing/canonical_reader.h"
#include "tests/unit/server/signing/contents.h"

namespace cotter::signing {
namespace {

using test::canonical;
using test::kNoon;

const RoleName kRole("fw");
constexpr std::uint32_t kBits = 1;

/// A name in the lower or the upper of two bins.
TargetName name_in(bool upper, int number = 0) {
  for (;; ++number) {
    TargetName name("fw/image-" + std::to_string(number) + ".bin");
    if ((crypto::sha256(as_bytes(name.value())).front() >= 0x80) == upper) return name;
  }
}

/// A name whose hash begins with these two bits.
TargetName name_starting(std::uint8_t bits) {
  for (int number = 0;; ++number) {
    TargetName name("fw/image-" + std::to_string(number) + ".bin");
    if ((crypto::sha256(as_bytes(name.value())).front() & 0xC0) == bits) return name;
  }
}

/// The journal of one release role's key, in memory.
class ReleasePolicies : public testing::Test {
 protected:
  std::string ask(const model::Targets& file, UtcTime now = kNoon) {
    const Bytes message = canonical(file);
    auto content = read_release_file(kRole, message, own.public_key());
    if (!content) return std::string(name_of(content.error().policy));
    content->digest = crypto::sha256(message);
    Past past;
    past.release = role;
    const auto series = file_of(*content, role);
    if (series && last.contains(*series)) past.last = last.at(*series);
    if (const auto refusal = judge(*content, past, terms, now)) {
      EXPECT_FALSE(refusal->why.empty());
      return std::string(name_of(refusal->policy));
    }
    if (!role) role = ReleasePast{*content->bit_length, 0, 0};
    if (content->bit_length && *content->bit_length != role->bit_length) {
      last.clear();  // as the journal does
      role->empty = 0;
      role->bit_length = *content->bit_length;
    }
    if (*series == kEmptyBins) role->empty = content->number;
    last[series.value()] = LastSigned{content->number, content->digest, {}};
    role->number = std::max(role->number, content->number);
    return "signed";
  }
  [[nodiscard]] model::Targets role_file(std::uint64_t version, std::uint32_t bits = kBits) const {
    auto file = test::stamped<model::Targets>(version, "");
    model::Delegations& delegations = file.delegations.emplace();
    const KeyId id = own.public_key().computed_id();
    delegations.keys.emplace(id, own.public_key());
    delegations.succinct.emplace();
    delegations.succinct->keys = {{id}, 1};
    delegations.succinct->bit_length = bits;
    delegations.succinct->name_prefix = kRole.value();
    return file;
  }
  static model::Targets bin(std::uint64_t version, const std::vector<TargetName>& names,
                            std::string_view content = "an image") {
    auto file = test::stamped<model::Targets>(version, "");
    for (const TargetName& name : names)
      file.targets.emplace(name, test::entry_for(std::string(content), {HardwareId("hw-1")}, 1));
    return file;
  }

  test::NumberedSigner own{50};
  test::NumberedSigner other{51};
  Terms terms{{1000}, 10, std::chrono::hours(2)};
  std::optional<ReleasePast> role;
  std::map<std::string, LastSigned> last;
};

TEST_F(ReleasePolicies, SignTheRolesFileAndTheFilesOfOneRelease) {
  EXPECT_EQ(ask(role_file(1)), "signed");
  EXPECT_EQ(ask(bin(1, {})), "signed");
  EXPECT_EQ(ask(bin(2, {name_in(false)})), "signed");
  EXPECT_EQ(ask(bin(2, {name_in(true)})), "signed") << "all bins of a release have one version";
  EXPECT_EQ(ask(bin(2, {name_in(true)})), "signed") << "the same bytes, for whoever did not hear the answer";
  EXPECT_EQ(ask(role_file(3)), "signed");
}

TEST_F(ReleasePolicies, RefuseALowerOrEqualVersionOfABin) {  // KEY-10, FMT-3
  ASSERT_EQ(ask(role_file(1)), "signed");
  ASSERT_EQ(ask(bin(5, {name_in(false)})), "signed");
  EXPECT_EQ(ask(bin(4, {name_in(false)})), "version-not-higher");
  EXPECT_EQ(ask(bin(5, {name_in(false)}, "another image")), "version-not-higher");
  EXPECT_EQ(ask(bin(5, {name_in(false), name_in(false, 1'000)})), "version-not-higher");
  EXPECT_EQ(ask(bin(6, {name_in(false)})), "signed");
}

TEST_F(ReleasePolicies, LetNoFileOfARoleFallBehindItsReleases) {
  ASSERT_EQ(ask(role_file(1)), "signed");
  ASSERT_EQ(ask(bin(5, {name_in(false)})), "signed");
  EXPECT_EQ(ask(bin(4, {name_in(true)})), "version-not-higher") << "of a bin that was never signed yet";
  EXPECT_EQ(ask(bin(4, {})), "version-not-higher");
  EXPECT_EQ(ask(role_file(4)), "version-not-higher");
}

TEST_F(ReleasePolicies, SignABinOfOneBinAlone) {
  EXPECT_EQ(ask(bin(1, {name_in(false)})), "bin-foreign") << "how many bins there are is not known";
  EXPECT_EQ(ask(bin(1, {})), "bin-foreign");
  ASSERT_EQ(ask(role_file(1)), "signed");
  EXPECT_EQ(ask(bin(2, {name_in(false), name_in(true)})), "bin-foreign");
}

// The snapshot lists each of them by that version, and by nothing else.
TEST_F(ReleasePolicies, SignNothingMoreUnderAVersionThatABinWithoutAnImageHas) {
  ASSERT_EQ(ask(role_file(1)), "signed");
  ASSERT_EQ(ask(bin(1, {})), "signed");
  EXPECT_EQ(ask(bin(1, {name_in(false)})), "version-not-higher");
  ASSERT_EQ(ask(bin(2, {name_in(false)})), "signed");
  ASSERT_EQ(ask(role_file(3, 10)), "signed");
  ASSERT_EQ(ask(bin(3, {name_in(false)})), "signed");
  ASSERT_EQ(ask(bin(3, {})), "signed");
  EXPECT_EQ(ask(bin(3, {name_in(true)})), "version-not-higher");
  EXPECT_EQ(ask(bin(3, {name_in(false)})), "signed") << "the same bytes, for whoever did not hear the answer";
  EXPECT_EQ(ask(bin(4, {name_in(true)})), "signed");
}

TEST_F(ReleasePolicies, LetARoleGrow) {
  ASSERT_EQ(ask(role_file(1)), "signed");
  const auto several = bin(2, {name_in(false), name_in(false, 1'000), name_in(false, 2'000)});
  ASSERT_EQ(ask(several), "signed");
  ASSERT_EQ(ask(role_file(3, 10)), "signed");
  EXPECT_EQ(ask(role_file(3, 10)), "signed") << "the same bytes, for whoever did not hear the answer";
  for (const auto& [name, target] : several.targets) EXPECT_EQ(ask(bin(3, {name})), "signed");
  EXPECT_EQ(ask(bin(3, {})), "signed");
  EXPECT_EQ(ask(bin(4, {name_in(true)})), "signed");
  EXPECT_EQ(ask(role_file(5, 10)), "signed") << "renewed";
  EXPECT_EQ(ask(role_file(6, repository::kMostBits)), "signed");
}

TEST_F(ReleasePolicies, LetNoRoleShrinkOrOutgrowVehicles) {
  ASSERT_EQ(ask(role_file(1, 4)), "signed");
  EXPECT_EQ(ask(role_file(2, 3)), "bin-foreign");
  EXPECT_EQ(ask(role_file(2, repository::kMostBits + 1)), "bin-foreign");
  ASSERT_EQ(ask(role_file(2, 5)), "signed");
  EXPECT_EQ(ask(role_file(3, 4)), "bin-foreign") << "nor back to what it was";
}

// Else a bin and one of its parts could be signed under one version, and a mirror would choose.
TEST_F(ReleasePolicies, LetARoleGrowAboveAllThatItSignedAlone) {  // KEY-10, FMT-3
  ASSERT_EQ(ask(role_file(1)), "signed");
  ASSERT_EQ(ask(bin(5, {name_in(false)})), "signed");
  EXPECT_EQ(ask(role_file(5, 2)), "version-not-higher");
  EXPECT_EQ(ask(role_file(4, 2)), "version-not-higher");
  EXPECT_EQ(ask(role_file(6, 2)), "signed");
}

// Whoever may ask for signatures grows the role and asks on: under every version of before, in old bins and
// in new ones, whether their names are new or were those of others.
TEST_F(ReleasePolicies, SignNothingOfBeforeForWhoGrowsARole) {  // KEY-10, FMT-3
  ASSERT_EQ(ask(role_file(1)), "signed");
  ASSERT_EQ(ask(bin(2, {})), "signed");
  ASSERT_EQ(ask(bin(3, {name_in(false)})), "signed");
  ASSERT_EQ(ask(bin(5, {name_in(true)})), "signed");
  ASSERT_EQ(ask(role_file(6, 2)), "signed");
  for (std::uint64_t version = 1; version < 6; ++version) {
    for (int number = 0; number < 8; ++number) {  // all four bins
      EXPECT_EQ(ask(bin(version, {name_in(number % 2 == 0, number * 100)}, "of a thief")),
                "version-not-higher");
    }
    EXPECT_EQ(ask(bin(version, {})), "version-not-higher");
    EXPECT_EQ(ask(role_file(version, 3)), "version-not-higher");
  }
  EXPECT_EQ(ask(bin(3, {name_in(false)})), "version-not-higher") << "the very bytes that were signed before";
  const auto both = std::vector{name_starting(0x00), name_starting(0x40)};
  EXPECT_EQ(ask(bin(9, both)), "bin-foreign") << "they were in one bin, and are no more";
  ASSERT_EQ(ask(bin(6, {both[0]})), "signed");
  EXPECT_EQ(ask(bin(6, {both[0]}, "of a thief")), "version-not-higher")
      << "a second one of the release's version";
  ASSERT_EQ(ask(bin(6, {both[1]})), "signed");
}

TEST_F(ReleasePolicies, HandTheRoleOnToNobody) {
  model::Targets file = role_file(1);
  file.delegations->keys.emplace(other.public_key().computed_id(), other.public_key());
  EXPECT_EQ(ask(file), "release-delegates") << "another key beside it";
  file = role_file(1);
  file.delegations->succinct->keys.keyids = {other.public_key().computed_id()};
  file.delegations->keys.clear();
  file.delegations->keys.emplace(other.public_key().computed_id(), other.public_key());
  EXPECT_EQ(ask(file), "release-delegates");
  file = role_file(1);
  file.delegations->succinct->name_prefix = "suppliers";
  EXPECT_EQ(ask(file), "release-delegates");
  file = role_file(1);
  file.targets = bin(1, {name_in(false)}).targets;
  EXPECT_EQ(ask(file), "release-delegates");
  file = role_file(1);
  file.delegations->succinct.reset();
  model::DelegatedRole& entry = file.delegations->roles.emplace_back();
  entry.name = RoleName("friend");
  entry.keys = {{own.public_key().computed_id()}, 1};
  entry.paths = {"fw/*"};
  EXPECT_EQ(ask(file), "release-delegates");
}

TEST_F(ReleasePolicies, SignNothingElse) {
  EXPECT_EQ(std::string(name_of(
                read_release_file(kRole, canonical(test::snapshot(1, 1)), own.public_key()).error().policy)),
            "other-role");
  model::Targets for_a_vehicle = role_file(1);
  for_a_vehicle.vin = VehicleId("VIN-1");
  EXPECT_EQ(ask(for_a_vehicle), "vehicle-foreign");
  EXPECT_EQ(ask(role_file(1), kNoon + std::chrono::hours(2)), "expired");
  terms.longest_life = std::chrono::minutes(1);
  EXPECT_EQ(ask(role_file(1)), "expires-too-late");
}

}  // namespace
}  // namespace cotter::signing
