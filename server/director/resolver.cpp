#include "server/director/resolver.h"

#include <algorithm>

namespace cotter::director {
namespace {

constexpr const char* kMustMatch = "mustMatch";
constexpr const char* kEcuIdentifiers = "ecuIdentifiers";

/// Adds the ECU to the entry's list (FMT-53).
void name_ecu(model::Target& entry, const inventory::EcuRecord& ecu) {
  json::Value who = json::Object{{"hardwareId", json::Value(ecu.hardware_id.value())}};
  json::Value* listed = entry.custom.find(kEcuIdentifiers);
  if (listed == nullptr) {
    entry.custom.set(kEcuIdentifiers, json::Object{{ecu.serial.value(), std::move(who)}});
  } else {
    listed->as_object()->set(ecu.serial.value(), std::move(who));
  }
}

bool same_content(const model::Target& listed, const model::Target& wanted) {
  const json::Value* ours = listed.custom.find(kMustMatch);
  const json::Value* theirs = wanted.custom.find(kMustMatch);
  const bool same_facts = (ours == nullptr) == (theirs == nullptr) && (ours == nullptr || *ours == *theirs);
  return same_facts && listed.length == wanted.length && listed.hashes == wanted.hashes;
}

std::string joined(const std::vector<HardwareId>& ids) {
  std::string text;
  for (const HardwareId& id : ids) text += (text.empty() ? "" : ", ") + id.value();
  return text.empty() ? "no hardware" : text;
}

}  // namespace

Result<Entries> resolve(const inventory::Vehicle& vehicle) {
  Entries entries;
  for (const inventory::Ecu& ecu : vehicle.ecus) {
    if (!ecu.desired) continue;
    const auto [entry, added] = entries.try_emplace(ecu.desired->name, ecu.desired->entry);
    if (!added && !same_content(entry->second, ecu.desired->entry)) {
      return fault(Fault::Kind::Conflict,
                   "ECU " + ecu.serial().value() + " and another of vehicle " + vehicle.vin.value() +
                       " are to run different contents of " + ecu.desired->name.value(),
                   "assign the image anew to each ECU that is to run it, or publish it under another name");
    }
    name_ecu(entry->second, ecu.record);
  }
  return entries;
}

Result<void> check_assignable(const inventory::Ecu& ecu, const model::Target& image) {
  const auto stated = TRY(image.must_match(model::Profile::Vehicle));
  if (!stated) {
    TRY(refuse(RuleId::MatchCustomDiffers, "custom.mustMatch with hardwareIds and releaseCounter", "none"));
  }
  const model::MustMatch facts = stated.value_or(model::MustMatch{});
  const HardwareId& hardware = ecu.record.hardware_id;
  if (std::ranges::count(facts.hardware_ids, hardware) == 0) {
    TRY(refuse(RuleId::MatchHardwareWrong,
               "an image for " + hardware.value() + " (ECU " + ecu.serial().value() + ")",
               "one for " + joined(facts.hardware_ids)));
  }
  if (facts.release_counter < ecu.floor) {
    TRY(refuse(RuleId::MatchReleaseCounterLower,
               "a release counter of at least " + std::to_string(ecu.floor.value()) + ", as ECU " +
                   ecu.serial().value() + " has run",
               std::to_string(facts.release_counter.value())));
  }
  return {};
}

model::Target copied_entry(const model::Target& image) {
  model::Target entry;
  entry.length = image.length;
  entry.hashes = image.hashes;
  if (const json::Value* facts = image.custom.find(kMustMatch)) entry.custom.set(kMustMatch, *facts);
  return entry;
}

}  // namespace cotter::director
