#include "server/cli/assignment_view.h"

#include <fmt/format.h>

#include <set>

namespace cotter::cli {
namespace {

void print(const std::vector<app::EndedAssignment>& assignments, const char* words) {
  for (const app::EndedAssignment& each : assignments) {
    fmt::print("{} of {} is {} {}\n", each.ecu.value(), each.vin.value(), words, each.image.value());
  }
}

}  // namespace

json::Array assignments_json(const std::vector<app::EndedAssignment>& assignments) {
  json::Array list;
  for (const app::EndedAssignment& each : assignments) {
    list.emplace_back(
        json::Object{{"vin", each.vin.value()}, {"ecu", each.ecu.value()}, {"image", each.image.value()}});
  }
  return list;
}

void print_assigned(const std::vector<app::EndedAssignment>& assignments) { print(assignments, "to run"); }

void print_ended(const std::vector<app::EndedAssignment>& assignments) {
  if (assignments.empty()) return;
  print(assignments, "no longer to run");
  fmt::print("they keep what they run; `cotter assign` gives them another image\n");
}

Error still_assigned(const std::vector<app::EndedAssignment>& assignments) {
  std::set<VehicleId> vehicles;
  for (const app::EndedAssignment& each : assignments) vehicles.insert(each.vin);
  const app::EndedAssignment& first = assignments.front();
  return Fault{
      Fault::Kind::Conflict,
      fmt::format("{} ECUs of {} vehicles are to run images that would go: {} of {} is to run {}{}",
                  assignments.size(), vehicles.size(), first.ecu.value(), first.vin.value(),
                  first.image.value(), assignments.size() > 1 ? ", and others" : ""),
      fmt::format("nothing was changed: assign them other images first, or give {}: they keep what they run",
                  kEndAssignments)};
}

}  // namespace cotter::cli
