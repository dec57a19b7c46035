#include "server/director/stuck.h"

#include <utility>

#include "common/base/error.h"

namespace cotter::director {
namespace {

using inventory::Ecu;
using inventory::ManifestRefusal;
using inventory::Vehicle;

/// The remedy where an ECU was replaced and nobody said so; else the likelier, harmless cause.
std::string remedy_of(const ManifestRefusal& refused, const VehicleId& vin) {
  const auto id = rule_named(refused.rule);
  const std::string_view innocent = id ? rule_of(*id).innocent : std::string_view();
  const bool is_replaced = id == RuleId::ManifestEcuUnknown || id == RuleId::ManifestPrimaryWrong ||
                           id == RuleId::ManifestSignatureWrong || id == RuleId::ManifestEcuMissing;
  std::string text = innocent.empty() ? std::string() : "perhaps " + std::string(innocent) + "; ";
  if (is_replaced) return text + "after a repair: cotter vehicle ecu replace " + vin.value() + " ...";
  return text + "cotter vehicle show " + vin.value() + " lists what it said";
}

bool is_overdue(const Ecu& ecu, UtcTime now, const Deadlines& deadlines) {
  return ecu.desired && !ecu.desired->confirmed_at && now - ecu.desired->since >= deadlines.to_confirm;
}

Stuck quarantined(const Ecu& ecu, const VehicleId& vin) {
  return {ecu.serial(), ecu.reported->accepted_at,
          "it runs " + ecu.reported->installed.name.value() + ", which we never gave it",
          "find out who installed that; cotter assign " + vin.value() + " " + ecu.serial().value() +
              " TARGET gives it one of ours"};
}

/// The first of these that is true of an ECU past its deadline.
std::pair<std::string, std::string> reason_of(const Ecu& ecu, const Standing& standing) {
  const Vehicle& vehicle = standing.vehicle;
  const UtcTime since = ecu.desired->since;
  if (!vehicle.last_manifest_at)
    return {"the vehicle has never sent a manifest",
            "see that its primary is provisioned and reaches this server"};
  if (*vehicle.last_manifest_at < since) {
    return {"the vehicle was last heard of at " + format_utc(*vehicle.last_manifest_at),
            "it is parked, or has no network: ask its owner"};
  }
  if (ecu.absence) return {"its primary has no report of it: " + *ecu.absence, "have the ECU looked at"};
  if (!ecu.reported || ecu.reported->accepted_at < since) {
    return {"the vehicle has no newer report of it than from before it was assigned",
            "have the ECU looked at: it sleeps, or does not answer its primary"};
  }
  if (const auto said = standing.complaints.find(ecu.serial()); said != standing.complaints.end())
    return {"it says " + said->second,
            "cotter check --director shows what its vehicle would refuse, and why"};
  return {"it still runs " + ecu.reported->installed.name.value(),
          "its primary's log says what became of the image; cotter assign gives it another"};
}

}  // namespace

std::vector<Stuck> stuck(const Standing& standing, UtcTime now, const Deadlines& deadlines) {
  const Vehicle& vehicle = standing.vehicle;
  const auto& refused = standing.refused;
  if (refused && now - refused->since >= deadlines.to_be_accepted) {
    return {{std::nullopt, refused->since, "its manifests are refused: " + refused->reason,
             remedy_of(*refused, vehicle.vin)}};
  }
  std::vector<Stuck> all;
  for (const Ecu& ecu : vehicle.ecus) {
    if (ecu.reported && ecu.reported->quarantined) {
      all.push_back(quarantined(ecu, vehicle.vin));
    } else if (is_overdue(ecu, now, deadlines)) {
      auto [why, what_to_do] = reason_of(ecu, standing);
      all.push_back({ecu.serial(), ecu.desired->since,
                     "to run " + ecu.desired->name.value() + ": " + std::move(why), std::move(what_to_do)});
    }
  }
  return all;
}

}  // namespace cotter::director
