// One vehicle's two repositories, and a primary's view of them: what to hand its ECUs, what to install.
// Never checks more than the trust core does. One thread.
#pragma once

#include <string>
#include <vector>

#include "client/links/ecu_link.h"
#include "tests/sim/ecu_sim.h"
#include "tests/sim/repository_sim.h"

namespace cotter::sim {

class VehicleSim final : public client::MetadataSource {
 public:
  /// Metadata is good for a year from `now`: a time of the tests' own, or the machine's where real programs
  /// look at the clock.
  explicit VehicleSim(std::string vin, UtcTime now = *parse_utc("2030-01-01T00:00:00Z"));

  /// Publishes an image and tells the director to want it on an ECU.
  void release(const EcuOrder& ecu, const TargetName& name, std::string_view content, std::uint64_t counter);
  /// The director's side alone, or the image repository's.
  void assign(const EcuOrder& ecu, const TargetName& name, std::string_view content, std::uint64_t counter);
  void publish(const EcuOrder& ecu, const TargetName& name, std::string_view content, std::uint64_t counter);

  /// An ECU made in the factory for this vehicle.
  [[nodiscard]] EcuOrder order(const std::string& serial, client::Verification verification,
                               client::Slots slots = client::Slots::Two) const;
  /// As the primary finds it by verifying both repositories, for an ECU whose floor is 0.
  Result<trust::Assignment> assignment(const EcuOrder& ecu);

  /// What an honest primary hands out (PRI-15): all of both repositories.
  Result<std::optional<Bytes>> file(Repository repository, const RoleName& role,
                                    std::optional<Version> version) override;

  RepositorySim director;
  RepositorySim image;
  VehicleId vin;
  UtcTime now;
  /// Every file that an ECU asked for: "director/2.root", "image/targets".
  std::vector<std::string> asked;
};

/// A metadata store in memory.
class MemoryMetadata final : public trust::MetadataStore {
 public:
  Result<std::optional<Bytes>> load(Repository repository, const RoleName& role) const override {
    return packed_.load(repository, role);
  }
  Result<void> commit(Repository repository, std::span<const trust::Effect> effects) override {
    return packed_.commit(repository, effects);
  }

 private:
  Flash flash_;
  client::PackedMetadata packed_{flash_};
};

}  // namespace cotter::sim
