// The testkit itself: what it publishes must be what a vehicle accepts, or its refusals would prove nothing.
#include "tests/sim/repository_sim.h"

#include <gtest/gtest.h>

#include "common/trust/refresh.h"

namespace cotter::sim {
namespace {

const UtcTime kNow = *parse_utc("2026-06-01T00:00:00Z");
const UtcTime kExpires = *parse_utc("2026-07-01T00:00:00Z");

class NoStore final : public trust::MetadataStore {
 public:
  Result<std::optional<Bytes>> load(Repository, const RoleName&) const override {
    return std::optional<Bytes>();
  }
  Result<void> commit(Repository, std::span<const trust::Effect>) override { return {}; }
};

Result<trust::TrustedSet> read(RepositorySim& sim, const Bytes& root, trust::Policy policy) {
  NoStore store;
  trust::Refresh refresh(TRY(trust::TrustedSet::anchored_at(root, kNow, std::move(policy))));
  TRY(drive(refresh, store, sim));
  return std::move(refresh).take();
}

TEST(RepositorySim, IsWhatAVehicleAccepts) {
  RepositorySim sim("image", kExpires);
  const Bytes first = sim.file_of(model::root_role());
  sim.delegate(model::targets_role(), delegated("brakes", {"brakes/*"}));
  sim.add_target(RoleName("brakes"), TargetName("brakes/a.bin"), "firmware",
                 image_facts({HardwareId("mk2")}, 1));
  sim.release({RoleName("brakes"), model::targets_role()});
  trust::Policy policy;
  policy.limits = Limits::for_image_repository();
  const auto set = read(sim, first, policy);
  ASSERT_TRUE(set) << summary(set.error());
  NoStore store;
  trust::DelegationWalk walk(*set, TargetName("brakes/a.bin"), HardwareId("mk2"));
  ASSERT_TRUE(drive(walk, store, sim));
  EXPECT_TRUE(walk.found());
}

TEST(RepositorySim, DirectorIsBoundToItsVehicle) {
  RepositorySim sim("director", kExpires);
  const Bytes first = sim.file_of(model::root_role());
  sim.bind_to(VehicleId("VIN-1"));
  sim.add_target(model::targets_role(), TargetName("a.bin"), "firmware",
                 assigned_to(EcuSerial("ECU-1"), HardwareId("mk2"), 1));
  sim.release({model::targets_role()});
  trust::Policy policy;
  policy.repository = Repository::Director;
  policy.vin = VehicleId("VIN-1");
  policy.ecus = std::set<EcuSerial>{EcuSerial("ECU-1")};
  const auto set = read(sim, first, policy);
  EXPECT_TRUE(set) << summary(set.error());
}

TEST(RepositorySim, RotatesWithTheOldKeysConsent) {
  RepositorySim sim("image", kExpires);
  const Bytes first = sim.file_of(model::root_role());
  const Keys before = sim.signers[model::root_role()];
  sim.rotate(model::root_role());
  Keys& now = sim.signers[model::root_role()];
  now.insert(now.end(), before.begin(), before.end());
  sim.publish(model::root_role());
  EXPECT_TRUE(read(sim, first, {}));
  EXPECT_EQ(sim.requests().front(), "2.root.json");
}

TEST(RepositorySim, TamperingIsNoticed) {
  RepositorySim sim("image", kExpires);
  const Bytes first = sim.file_of(model::root_role());
  sim.tamper(model::timestamp_role(), [](json::Object& file) { file.set("version", 9); }, {key("stranger")});
  EXPECT_FALSE(read(sim, first, {}));
}

}  // namespace
}  // namespace cotter::sim
