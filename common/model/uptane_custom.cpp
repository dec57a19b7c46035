#include <algorithm>

#include "common/model/header.h"
#include "common/model/roles.h"

namespace cotter::model {
namespace {

constexpr std::string_view kHardwareIds = "hardwareIds";
constexpr std::string_view kReleaseCounter = "releaseCounter";

/// `requires` or `conflicts`, none where absent: [{"hardwareId": "door-mk2", "min": 3, "max": 9}].
Result<std::vector<Condition>> decode_conditions(const json::ObjectView& section, std::string_view member) {
  std::vector<Condition> conditions;
  if (section.find(member) == nullptr) return conditions;
  for (const json::Value& value : *TRY(section.array(member))) {
    const json::ObjectView view =
        TRY(json::ObjectView::of(value, section.what() + "." + std::string(member) + "[]"));
    Condition condition;
    condition.hardware_id = HardwareId(TRY(decode_identifier(view, "hardwareId")));
    if (view.find("min") != nullptr) condition.min = ReleaseCounter(TRY(view.integer("min")));
    if (view.find("max") != nullptr) condition.max = ReleaseCounter(TRY(view.integer("max")));
    conditions.push_back(std::move(condition));
  }
  return conditions;
}

void sort_once_each(std::vector<HardwareId>& ids) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
}

/// The facts as far as they are stated: other people's repositories leave some out.
Result<MustMatch> decode_loose(const json::ObjectView& facts) {
  std::vector<HardwareId> ids;
  if (facts.find(kHardwareIds) != nullptr) ids = TRY(decode_hardware_ids(facts, kHardwareIds));
  std::uint64_t counter = 0;
  if (facts.find(kReleaseCounter) != nullptr) counter = TRY(facts.integer(kReleaseCounter));
  return MustMatch::of(std::move(ids), ReleaseCounter(counter));
}

Result<MustMatch> decode_section(const json::Value& section, Profile profile) {
  if (profile == Profile::Vehicle) return MustMatch::decode(section);
  const json::ObjectView view = TRY(json::ObjectView::of(section, "custom.mustMatch"));
  MustMatch facts = TRY(decode_loose(view));
  facts.all = view.members();
  return facts;
}

/// The style of repositories made for aktualizr: the same facts, loose in `custom` (FMT-53).
Result<std::optional<MustMatch>> decode_flat(const json::ObjectView& custom) {
  if (custom.find(kHardwareIds) == nullptr && custom.find(kReleaseCounter) == nullptr) {
    return std::optional<MustMatch>();
  }
  return std::optional<MustMatch>(TRY(decode_loose(custom)));
}

}  // namespace

Result<MustMatch> MustMatch::decode(const json::Value& value) {
  const json::ObjectView view = TRY(json::ObjectView::of(value, "custom.mustMatch"));
  MustMatch section;
  section.hardware_ids = TRY(decode_hardware_ids(view, kHardwareIds));
  sort_once_each(section.hardware_ids);
  section.release_counter = ReleaseCounter(TRY(view.integer(kReleaseCounter)));
  section.needs = TRY(decode_conditions(view, "requires"));
  section.conflicts = TRY(decode_conditions(view, "conflicts"));
  section.all = view.members();
  return section;
}

MustMatch MustMatch::of(std::vector<HardwareId> hardware_ids, ReleaseCounter counter) {
  MustMatch section;
  sort_once_each(hardware_ids);
  section.all = json::Object{{std::string(kHardwareIds), encode_hardware_ids(hardware_ids)},
                             {std::string(kReleaseCounter), json::Value(counter.value())}};
  section.hardware_ids = std::move(hardware_ids);
  section.release_counter = counter;
  return section;
}

Result<std::optional<MustMatch>> Target::must_match(Profile profile) const {
  if (const json::Value* section = custom.find("mustMatch")) {
    return std::optional<MustMatch>(TRY(decode_section(*section, profile)));
  }
  if (profile == Profile::Vehicle) return std::optional<MustMatch>();
  return decode_flat(json::ObjectView::of(custom, "custom"));
}

Result<std::map<EcuSerial, HardwareId>> Target::ecus() const {
  std::map<EcuSerial, HardwareId> ecus;
  const json::Value* identifiers = custom.find("ecuIdentifiers");
  if (identifiers == nullptr) return ecus;
  const json::ObjectView view = TRY(json::ObjectView::of(*identifiers, "custom.ecuIdentifiers"));
  for (const json::Member& member : view.members()) {
    TRY(check_identifier(member.key, "an ECU serial in custom.ecuIdentifiers"));
    const json::ObjectView ecu =
        TRY(json::ObjectView::of(member.value, "custom.ecuIdentifiers." + shown(member.key)));
    std::string hardware = TRY(decode_identifier(ecu, "hardwareId"));
    ecus.emplace_hint(ecus.end(), EcuSerial(member.key), HardwareId(std::move(hardware)));
  }
  return ecus;
}

}  // namespace cotter::model
