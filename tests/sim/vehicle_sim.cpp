#include "tests/sim/vehicle_sim.h"

#include "common/model/file_names.h"
#include "common/trust/refresh.h"

namespace cotter::sim {
namespace {

constexpr std::chrono::hours kYear(24 * 365);

Result<trust::TrustedSet> refreshed(RepositorySim& repository, trust::MetadataStore& store, UtcTime now,
                                    const trust::Policy& policy) {
  trust::Refresh refresh(
      TRY(trust::TrustedSet::anchored_at(repository.files.at("1.root.json"), now, policy)));
  TRY(trust::drive(refresh, store, repository));
  return std::move(refresh).take();
}

}  // namespace

VehicleSim::VehicleSim(std::string vin_text, UtcTime start)
    : director("director-" + vin_text, start + kYear),
      image("image", start + kYear),
      vin(std::move(vin_text)),
      now(start) {
  director.bind_to(vin);
  director.release({model::targets_role()});
}

void VehicleSim::publish(const EcuOrder& ecu, const TargetName& name, std::string_view content,
                         std::uint64_t counter) {
  image.add_target(model::targets_role(), name, content, image_facts({ecu.identity.hardware_id}, counter));
  image.release({model::targets_role()});
}

void VehicleSim::assign(const EcuOrder& ecu, const TargetName& name, std::string_view content,
                        std::uint64_t counter) {
  // The director wants one image of each ECU.
  std::erase_if(director.targets().targets, [&](const auto& entry) {
    const auto ecus = entry.second.ecus();
    return ecus && ecus->contains(ecu.identity.serial);
  });
  director.add_target(model::targets_role(), name, content,
                      assigned_to(ecu.identity.serial, ecu.identity.hardware_id, counter));
  director.release({model::targets_role()});
}

void VehicleSim::release(const EcuOrder& ecu, const TargetName& name, std::string_view content,
                         std::uint64_t counter) {
  publish(ecu, name, content, counter);
  assign(ecu, name, content, counter);
}

EcuOrder VehicleSim::order(const std::string& serial, client::Verification verification,
                           client::Slots slots) const {
  EcuOrder order;
  order.identity.vin = vin;
  order.identity.serial = EcuSerial(serial);
  order.identity.hardware_id = HardwareId("hw-" + serial);
  order.identity.verification = verification;
  order.identity.director_root = director.files.at("1.root.json");
  if (verification == client::Verification::Full) {
    order.identity.image_root = image.files.at("1.root.json");
  }
  order.slots = slots;
  order.image = "factory image of " + serial;
  order.image_name = TargetName("team/" + serial + "/factory.bin");
  return order;
}

Result<trust::Assignment> VehicleSim::assignment(const EcuOrder& ecu) {
  MemoryMetadata store;
  trust::Policy policy;
  policy.repository = Repository::Director;
  policy.vin = vin;
  const trust::TrustedSet director_set = TRY(refreshed(director, store, now, policy));
  policy = {};
  policy.repository = Repository::Image;
  trust::TrustedSet image_set = TRY(refreshed(image, store, now, policy));
  const trust::VehicleRecord record{
      vin, {{ecu.identity.serial, ecu.identity.hardware_id, ReleaseCounter(0), std::nullopt}}};
  for (const trust::Pending& each : TRY(trust::pending(director_set, record))) {
    trust::DelegationWalk walk(std::move(image_set), each.name, each.hardware_id);
    TRY(trust::drive(walk, store, image));
    image_set = std::move(walk).take();
  }
  return TRY(trust::match(director_set, image_set, record)).at(0);
}

Result<std::optional<Bytes>> VehicleSim::file(Repository repository, const RoleName& role,
                                              std::optional<Version> version) {
  RepositorySim& served = repository == Repository::Director ? director : image;
  std::string name = std::string(name_of(repository)) + "/";
  if (role == model::root_role() && version) name += std::to_string(version->value()) + ".";
  asked.push_back(name + role.value());
  if (role == model::root_role()) return served.file(model::metadata_file_name(role, version));
  return std::optional<Bytes>(served.file_of(role));
}

}  // namespace cotter::sim
