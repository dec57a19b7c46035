#include "server/cli/vehicle_view.h"

#include <fmt/format.h>

#include <optional>

#include "common/base/printable.h"
#include "common/host/output.h"
#include "common/json/canonical.h"

namespace cotter::cli {
namespace {

using inventory::Ecu;

json::Value time_or_null(const std::optional<UtcTime>& time) {
  return time ? json::Value(format_utc(*time)) : json::Value();
}

std::string time_or_never(const std::optional<UtcTime>& time) { return time ? format_utc(*time) : "never"; }

json::Array as_json(const std::vector<inventory::VehicleTag>& tags) {
  json::Array names;
  for (const inventory::VehicleTag& tag : tags) names.emplace_back(tag.value());
  return names;
}

std::string in_words(const std::vector<inventory::VehicleTag>& tags) {
  std::string words;
  for (const inventory::VehicleTag& tag : tags) words += (words.empty() ? "" : " ") + tag.value();
  return words;
}

json::Value as_json(const model::InstalledImage& image) {
  return json::Object{
      {"name", image.name.value()}, {"length", image.length}, {"hashes", image.hashes.encode()}};
}

void add_report(const Ecu& ecu, json::Object& into) {
  const auto& reported = ecu.reported;
  into.set("installed", reported ? as_json(reported->installed) : json::Value());
  into.set("reported_at", reported ? json::Value(format_utc(reported->accepted_at)) : json::Value());
  into.set("ecu_time", reported ? json::Value(format_utc(reported->ecu_time)) : json::Value());
  into.set("report_counter", reported ? json::Value(reported->counter) : json::Value());
  into.set("director_targets_version", reported && reported->targets_version
                                           ? json::Value(reported->targets_version->value())
                                           : json::Value());
  into.set("quarantined", reported && reported->quarantined);
  into.set("absence", ecu.absence ? json::Value(*ecu.absence) : json::Value());
}

void add_assignment(const Ecu& ecu, json::Object& into) {
  const auto& desired = ecu.desired;
  into.set("assigned", desired ? as_json(model::InstalledImage{desired->name, desired->entry.length,
                                                               desired->entry.hashes})
                               : json::Value());
  into.set("assigned_at", desired ? json::Value(format_utc(desired->since)) : json::Value());
  into.set("confirmed", desired && desired->confirmed_at);
  into.set("confirmed_at", desired ? time_or_null(desired->confirmed_at) : json::Value());
}

json::Value as_json(const Ecu& ecu) {
  json::Object object{{"serial", ecu.serial().value()},
                      {"hardware_id", ecu.record.hardware_id.value()},
                      {"primary", ecu.record.primary},
                      {"verification", inventory::name_of(ecu.record.verification)},
                      {"release_counter", ecu.floor.value()},
                      {"keyid", ecu.record.key.computed_id().value()},
                      {"factory_image", as_json(ecu.record.image)}};
  add_report(ecu, object);
  add_assignment(ecu, object);
  return object;
}

/// The one word an operator looks for first.
std::string state_of(const Ecu& ecu) {
  if (ecu.reported && ecu.reported->quarantined) return "quarantined: not an image of ours";
  if (ecu.absence) return "no report: " + *ecu.absence;
  if (!ecu.reported) return "not heard of yet";
  if (!ecu.desired) return "nothing assigned";
  return ecu.desired->confirmed_at ? "confirmed" : "waiting for its report";
}

void print_signals(const std::vector<storage::AttackSignal>& signals) {
  if (signals.empty()) return;
  fmt::print("\nsigns of attack\n");
  host::Table table({"SEEN", "ECU", "KIND", "DETAIL"});
  for (const storage::AttackSignal& signal : signals) {
    table.add_row({format_utc(signal.seen_at), signal.ecu.value(), std::string(storage::name_of(signal.kind)),
                   signal.detail});
  }
  table.print();
}

void print_pending(const std::vector<storage::PendingEcu>& pending) {
  if (pending.empty()) return;
  fmt::print("\nnamed by the vehicle, not by the factory; nothing of it is accepted\n");
  host::Table table({"ECU", "HARDWARE ID", "KEY"});
  for (const storage::PendingEcu& ecu : pending) {
    table.add_row({ecu.serial.value(), ecu.hardware_id.value(), json::to_text(ecu.key)});
  }
  table.print();
}

void print_former(const std::vector<storage::FormerEcu>& former) {
  if (former.empty()) return;
  fmt::print("\nECUs that it had\n");
  host::Table table({"ECU", "HARDWARE ID", "LEFT", "REASON"});
  for (const storage::FormerEcu& ecu : former) {
    table.add_row(
        {ecu.record.serial.value(), ecu.record.hardware_id.value(), format_utc(ecu.left_at), ecu.reason});
  }
  table.print();
}

}  // namespace

json::Value stuck_as_json(const std::vector<StuckVehicle>& all) {
  json::Array list;
  for (const auto& [vin, stuck] : all) {
    list.push_back(json::Object{{"vin", vin.value()},
                                {"ecu", stuck.ecu ? json::Value(stuck.ecu->value()) : json::Value()},
                                {"since", format_utc(stuck.since)},
                                {"why", stuck.why},
                                {"what_to_do", stuck.what_to_do}});
  }
  return json::Object{{"stuck", std::move(list)}};
}

void print_stuck(const std::vector<StuckVehicle>& all) {
  if (all.empty()) fmt::print("no vehicle waits in vain\n");
  for (const auto& [vin, stuck] : all) {
    fmt::print("{}{} since {}\n  {}\n  {}\n", vin.value(), stuck.ecu ? ", ECU " + stuck.ecu->value() : "",
               format_utc(stuck.since), printable(stuck.why), printable(stuck.what_to_do));
  }
}

json::Value list_as_json(const std::vector<storage::VehicleSummary>& vehicles) {
  json::Array list;
  for (const storage::VehicleSummary& each : vehicles) {
    list.push_back(json::Object{{"vin", each.vin.value()},
                                {"state", storage::name_of(each.state())},
                                {"ecus", each.ecus},
                                {"assigned", each.assigned},
                                {"confirmed", each.confirmed},
                                {"quarantined", each.quarantined},
                                {"attack_signals", each.attack_signals},
                                {"manifest_refused", each.refused},
                                {"last_manifest_at", time_or_null(each.last_manifest_at)},
                                {"tags", as_json(each.tags)}});
  }
  return json::Object{{"vehicles", std::move(list)}};
}

void print_list(const std::vector<storage::VehicleSummary>& vehicles) {
  host::Table table(
      {"VEHICLE", "STATE", "ECUS", "CONFIRMED", "QUARANTINED", "SIGNS OF ATTACK", "LAST MANIFEST", "TAGS"});
  for (const storage::VehicleSummary& each : vehicles) {
    table.add_row({each.vin.value(), std::string(storage::name_of(each.state())), std::to_string(each.ecus),
                   fmt::format("{} of {}", each.confirmed, each.assigned), std::to_string(each.quarantined),
                   std::to_string(each.attack_signals), time_or_never(each.last_manifest_at),
                   in_words(each.tags)});
  }
  table.print();
}

json::Value view_as_json(const VehicleView& view) {
  json::Array ecus;
  for (const Ecu& ecu : view.vehicle.ecus) ecus.push_back(as_json(ecu));
  json::Array attacks;
  for (const storage::AttackSignal& signal : view.signals) {
    attacks.push_back(json::Object{{"ecu", signal.ecu.value()},
                                   {"seen_at", format_utc(signal.seen_at)},
                                   {"kind", storage::name_of(signal.kind)},
                                   {"detail", signal.detail}});
  }
  json::Array pending;
  for (const storage::PendingEcu& ecu : view.pending) {
    pending.push_back(json::Object{
        {"ecu", ecu.serial.value()}, {"hardware_id", ecu.hardware_id.value()}, {"key", ecu.key}});
  }
  json::Array former;
  for (const storage::FormerEcu& ecu : view.former) {
    former.push_back(json::Object{{"ecu", ecu.record.serial.value()},
                                  {"hardware_id", ecu.record.hardware_id.value()},
                                  {"keyid", ecu.record.key.computed_id().value()},
                                  {"left_at", format_utc(ecu.left_at)},
                                  {"reason", ecu.reason}});
  }
  return json::Object{{"vin", view.vehicle.vin.value()},
                      {"tags", as_json(view.tags)},
                      {"manifest_counter", view.vehicle.manifest_counter},
                      {"last_manifest_at", time_or_null(view.vehicle.last_manifest_at)},
                      {"ecus", std::move(ecus)},
                      {"attacks", std::move(attacks)},
                      {"pending_ecus", std::move(pending)},
                      {"former_ecus", std::move(former)}};
}

void print_view(const VehicleView& view) {
  fmt::print("vehicle {}, last manifest: {}\n", view.vehicle.vin.value(),
             time_or_never(view.vehicle.last_manifest_at));
  if (!view.tags.empty()) fmt::print("tags: {}\n", in_words(view.tags));
  fmt::print("\n");
  host::Table table({"ECU", "HARDWARE ID", "VERIFIES", "RUNS", "IS TO RUN", "STATE", "REPORTED"});
  for (const Ecu& ecu : view.vehicle.ecus) {
    const auto& reported = ecu.reported;
    table.add_row({ecu.serial().value() + (ecu.record.primary ? " (primary)" : ""),
                   ecu.record.hardware_id.value(), std::string(inventory::name_of(ecu.record.verification)),
                   reported ? reported->installed.name.value() : "-",
                   ecu.desired ? ecu.desired->name.value() : "-", state_of(ecu),
                   reported ? format_utc(reported->accepted_at) : "never"});
  }
  table.print();
  print_signals(view.signals);
  print_pending(view.pending);
  print_former(view.former);
}

}  // namespace cotter::cli
