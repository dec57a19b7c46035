#include "tests/scenarios/runner/stage.h"

#include <algorithm>
#include <cstdio>

#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/model/time_source.h"

namespace cotter::scenario {
namespace {

constexpr const char* kVehicle = "VIN-1";

}  // namespace

FileId FileId::parse(const std::string& text) {
  const auto slash = text.find('/');
  COTTER_ASSERT(slash != std::string::npos);
  return {text.substr(0, slash) == "director" ? Repository::Director : Repository::Image,
          RoleName(text.substr(slash + 1))};
}

/// The way to a repository, on which a request can fail.
class Stage::Network final : public trust::Transport {
 public:
  Network(sim::RepositorySim& repository, const Faults& faults) : repository_(repository), faults_(faults) {}
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override {
    auto broken = faults_.find(kEveryPath);
    if (broken == faults_.end()) broken = faults_.find(std::string(path));
    if (broken != faults_.end()) {
      return fault(broken->second, std::string(path) + ": the attacker on the way lets nothing through");
    }
    return repository_.get(path, max_bytes);
  }

 private:
  sim::RepositorySim& repository_;
  const Faults& faults_;
};

Stage::Stage(std::vector<std::string> attacker_holds)
    : vehicle(kVehicle), attacker_holds_(std::move(attacker_holds)) {
  ecus.push_back(vehicle.order("BRAKE", client::Verification::Full));
  ecus.push_back(vehicle.order("DOOR", client::Verification::Partial));
  ecus.back().has_clock = false;
  ecus.push_back(vehicle.order("GATEWAY", client::Verification::Full));
  for (const Repository which : {Repository::Director, Repository::Image}) {
    networks_[which] = std::make_shared<Network>(repository(which), faults_[which]);
    see(which);
  }
}

const sim::EcuOrder& Stage::ecu(const std::string& serial) const {
  const auto found = std::ranges::find_if(
      ecus, [&](const sim::EcuOrder& order) { return order.identity.serial.value() == serial; });
  COTTER_ASSERT(found != ecus.end());
  return *found;
}

sim::RepositorySim& Stage::repository(Repository which) {
  return which == Repository::Director ? vehicle.director : vehicle.image;
}

trust::Transport& Stage::network(Repository which) { return *networks_.at(which); }

Result<Bytes> Stage::image(const TargetName& name, const model::Target& target) {
  const std::string digest = to_hex(target.hashes.all().begin()->second);
  return network(Repository::Image).get("targets/" + model::target_url_path(name, digest), UINT64_MAX);
}

std::string Stage::path_of(const FileId& file) { return state(file.repository).paths.at(file.role); }
Bytes Stage::current(const FileId& file) { return repository(file.repository).files.at(path_of(file)); }

void Stage::see(Repository which) {
  sim::RepositorySim& sim = repository(which);
  auto& paths = state(which).paths;
  for (const RoleName& role : {model::root_role(), model::timestamp_role(), model::snapshot_role()}) {
    paths[role] = sim.path_of(role);
  }
  for (const model::MetaFiles::Entry entry : sim.snapshot.meta) {
    const RoleName role{std::string(entry.role)};
    paths[role] = sim.path_of(role);
  }
}

const std::map<std::string, Stage::Verb>& Stage::verbs() {
  static const std::map<std::string, Verb> all = {
      {"release", &Stage::release},
      {"publish-image", &Stage::publish_image},
      {"assign", &Stage::assign},
      {"publish", &Stage::publish},
      {"set", &Stage::set},
      {"rotate", &Stage::rotate},
      {"keys", &Stage::keys},
      {"delegate", &Stage::delegate},
      {"delegate-together", &Stage::delegate_together},
      {"remember", &Stage::remember},
      {"advance", &Stage::advance},
      {"other-vehicle", &Stage::other_vehicle},
      {"publish-roots", &Stage::release_many_roots},
      {"time-source", &Stage::list_time_source},
      {"replay", &Stage::replay},
      {"forge", &Stage::forge},
      {"serve-bytes", &Stage::serve_bytes},
      {"flip", &Stage::flip},
      {"hide", &Stage::hide},
      {"break", &Stage::break_network},
      {"serve-image", &Stage::serve_image},
      {"attest", &Stage::attest},
  };
  return all;
}

bool Stage::play(const std::string& verb, const json::Value& what) {
  const auto found = verbs().find(verb);
  if (found == verbs().end()) return false;
  (this->*found->second)(what);
  return true;
}

}  // namespace cotter::scenario
