// The honest publishers of both repositories, as a scenario's steps command them.
#include "common/model/time_source.h"
#include "tests/scenarios/runner/stage.h"

namespace cotter::scenario {
namespace {

/// `requires` and `conflicts` of an image, into its mustMatch; false where it has neither.
bool add_conditions(const json::Value& what, json::Object& custom) {
  bool some = false;
  for (const char* member : {"requires", "conflicts"}) {
    const json::Value* conditions = find(what, member);
    if (conditions == nullptr) continue;
    custom.find("mustMatch")->as_object()->set(member, *conditions);
    some = true;
  }
  return some;
}

}  // namespace

void Stage::release(const json::Value& what) {
  publish_image(what);
  assign(what);
}

void Stage::publish_image(const json::Value& what) {
  const RoleName role(text_or(what, "role", "targets"));
  std::vector<HardwareId> hardware;
  if (const json::Value* ids = find(what, "hardware")) {
    for (const std::string& id : texts(*ids)) hardware.emplace_back(id);
  } else {
    hardware.push_back(ecu(text(what, "ecu")).identity.hardware_id);
  }
  json::Object custom;
  custom.set("mustMatch", model::MustMatch::of(hardware, ReleaseCounter(number_or(what, "counter", 2))).all);
  add_conditions(what, custom);
  vehicle.image.add_target(role, TargetName(text(what, "image")), text(what, "content"), custom);
  vehicle.image.release({role});
  see(Repository::Image);
}

void Stage::assign(const json::Value& what) {
  sim::EcuOrder order = ecu(text(what, "ecu"));
  if (find(what, "hardware_id") != nullptr)
    order.identity.hardware_id = HardwareId(text(what, "hardware_id"));
  const TargetName image(text(what, "image"));
  vehicle.assign(order, image, text(what, "content"), number_or(what, "counter", 2));
  if (add_conditions(what, vehicle.director.targets().targets.at(image).custom)) {
    vehicle.director.release({model::targets_role()});
  }
  see(Repository::Director);
}

void Stage::publish(const json::Value& what) {
  for (const std::string& name : texts(what)) {
    const FileId file = FileId::parse(name);
    repository(file.repository).publish(file.role);
    see(file.repository);
  }
}

void Stage::set(const json::Value& what) {
  const FileId file = FileId::parse(text(what, "file"));
  sim::RepositorySim& sim = repository(file.repository);
  model::Header& header = file.role == model::root_role()        ? static_cast<model::Header&>(sim.root)
                          : file.role == model::timestamp_role() ? static_cast<model::Header&>(sim.timestamp)
                          : file.role == model::snapshot_role()  ? static_cast<model::Header&>(sim.snapshot)
                                                                 : sim.targets(file.role);
  if (find(what, "version") != nullptr) header.version = Version(number(what, "version"));
  if (find(what, "expires") != nullptr) header.expires = *parse_utc(text(what, "expires"));
}

void Stage::rotate(const json::Value& what) {
  for (const std::string& name : texts(what)) {
    const FileId file = FileId::parse(name);
    sim::RepositorySim& sim = repository(file.repository);
    old_keys_[name] = signers(file);
    if (file.role == model::root_role()) {
      // A successor needs the old holders' word too (VER-3).
      const sim::Keys next = {sim.new_key(file.role)};
      sim.set_keys(file.role, next);
      sim::Keys both = old_keys_[name];
      both.insert(both.end(), next.begin(), next.end());
      sim.signers[file.role] = both;
      sim.publish(file.role);
      sim.signers[file.role] = next;
    } else {
      const bool attests = file.role == model::time_source_role();
      sim.rotate(file.role);
      if (attests) time_source.keys = signers(file);
      if (attests || model::is_top_level(file.role)) sim.publish(model::root_role());
      if (attests) list_time_source_in_targets();
    }
    see(file.repository);
  }
}

void Stage::keys(const json::Value& what) {
  const FileId file = FileId::parse(text(what, "role"));
  sim::RepositorySim& sim = repository(file.repository);
  sim::Keys all;
  for (std::uint64_t i = 0; i < number(what, "count"); ++i) all.push_back(sim.new_key(file.role));
  sim.set_keys(file.role, all, static_cast<std::uint32_t>(number(what, "threshold")));
  if (find(what, "required-classical") != nullptr) {
    sim.root.roles.at(file.role).classes = model::ClassThresholds{
        model::ClassThresholds::Stage::Require,
        {{crypto::KeyClass::Classical, static_cast<std::uint32_t>(number(what, "required-classical"))}},
        {}};
  }
  if (model::is_top_level(file.role)) sim.publish(model::root_role());
  see(file.repository);
}

void Stage::delegate(const json::Value& what) {
  add_delegation(what,
                 sim::delegated(text(what, "role"), texts(at(what, "paths")), flag(what, "terminating")));
}

void Stage::delegate_together(const json::Value& what) {
  add_delegation(what, sim::delegated_together(text(what, "name"), texts(at(what, "roles")),
                                               static_cast<std::uint32_t>(number(what, "least")),
                                               texts(at(what, "paths")), flag(what, "terminating")));
}

void Stage::add_delegation(const json::Value& what, model::DelegatedRole entry) {
  if (const json::Value* ids = find(what, "hardware")) {
    entry.any_hardware = false;
    for (const std::string& id : texts(*ids)) entry.hardware_ids.emplace_back(id);
  }
  const RoleName from(text(what, "from"));
  const std::vector<model::AgreeingRole> named = entry.roles();
  vehicle.image.delegate(from, std::move(entry));
  for (const model::AgreeingRole& role : named) vehicle.image.publish(role.name);
  vehicle.image.release({from});
  see(Repository::Image);
}

void Stage::remember(const json::Value& what) {
  auto& kept = remembered_[*what.as_string()];
  for (const Repository which : {Repository::Director, Repository::Image}) {
    kept[which] = {repository(which).files, state(which).paths};
  }
}

void Stage::advance(const json::Value& what) { vehicle.now += std::chrono::seconds(*what.as_int()); }

/// The same director, with the same keys, speaks to another vehicle too (GAP-38).
void Stage::other_vehicle(const json::Value& what) {
  sim::RepositorySim other("director-" + vehicle.vin.value(), vehicle.director.root.expires);
  other.bind_to(VehicleId(text(what, "vin")));
  for (std::uint64_t i = 0; i < number_or(what, "releases", 1); ++i) other.release({model::targets_role()});
  State seen{other.files, {}};
  for (const RoleName& role :
       {model::root_role(), model::targets_role(), model::snapshot_role(), model::timestamp_role()}) {
    seen.paths[role] = other.path_of(role);
  }
  remembered_[text(what, "vin")][Repository::Director] = std::move(seen);
}

void Stage::release_many_roots(const json::Value& what) {
  const FileId file = FileId::parse(text(what, "file"));
  for (std::uint64_t i = 0; i < number(what, "count"); ++i) repository(file.repository).publish(file.role);
  see(file.repository);
}

/// From here on the director's root says who attests the time.
void Stage::list_time_source(const json::Value& what) {
  sim::RepositorySim& sim = vehicle.director;
  sim::Keys all;
  for (std::uint64_t i = 0; i < number_or(what, "keys", 1); ++i) {
    all.push_back(sim.new_key(model::time_source_role()));
  }
  sim.set_keys(model::time_source_role(), all, static_cast<std::uint32_t>(number_or(what, "threshold", 1)));
  sim.publish(model::root_role());
  list_time_source_in_targets();
  see(Repository::Director);
  time_source.keys = all;
}

/// As a director does for ECUs that verify partially (FMT-64).
void Stage::list_time_source_in_targets() {
  sim::RepositorySim& sim = vehicle.director;
  sim.targets().unknown.set(model::time_source_role().value(), model::TimeSource::of(sim.root)->encode());
  sim.release({model::targets_role()});
}

}  // namespace cotter::scenario
