#include "tests/sim/repository_sim.h"

#include <utility>

#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/model/time_source.h"

namespace cotter::sim {
namespace {

template <class T>
Bytes sign(const T& content, const Keys& keys) {
  return signed_file(content.encode(), keys);
}

model::RoleKeys role_keys(const Keys& allowed, std::uint32_t threshold) {
  model::RoleKeys keys;
  keys.threshold = threshold;
  for (const auto& signer : allowed) keys.keyids.push_back(signer->public_key().computed_id());
  return keys;
}

void enter(const Keys& allowed, model::KeyRing& ring) {
  for (const auto& signer : allowed) {
    ring.insert_or_assign(signer->public_key().computed_id(), signer->public_key());
  }
}

}  // namespace

RepositorySim::RepositorySim(std::string label, UtcTime expires)
    : label_(std::move(label)), expires_(expires) {
  targets_[model::targets_role()];
  for (const RoleName& role :
       {model::root_role(), model::targets_role(), model::snapshot_role(), model::timestamp_role()}) {
    header_of(role).expires = expires_;
    rotate(role);
  }
  publish(model::root_role());
  release({model::targets_role()});
}

model::Targets& RepositorySim::targets(const RoleName& role) { return targets_.at(role); }

model::Header& RepositorySim::header_of(const RoleName& role) {
  if (role == model::root_role()) return root;
  if (role == model::timestamp_role()) return timestamp;
  if (role == model::snapshot_role()) return snapshot;
  return targets_.at(role);
}

std::shared_ptr<crypto::Signer> RepositorySim::new_key(const RoleName& role) {
  return key(label_ + "/" + role.value() + "#" + std::to_string(++keys_made_));
}

void RepositorySim::set_keys(const RoleName& role, const Keys& allowed, std::uint32_t threshold) {
  signers[role] = allowed;
  if (model::is_top_level(role) || role == model::time_source_role()) {
    root.roles[role] = role_keys(allowed, threshold);
    enter(allowed, root.keys);
    return;
  }
  for (auto& [name, file] : targets_) {
    if (!file.delegations) continue;
    for (model::DelegatedRole& delegated : file.delegations->roles) {
      for (model::AgreeingRole& each : delegated.roleinfo) {
        if (each.name == role) each.keys = role_keys(allowed, threshold);
      }
      if (delegated.roleinfo.empty() && delegated.name == role)
        delegated.keys = role_keys(allowed, threshold);
      if (file.delegations->keys_of(role) != nullptr) enter(allowed, file.delegations->keys);
    }
  }
}

void RepositorySim::rotate(const RoleName& role) { set_keys(role, {new_key(role)}); }

void RepositorySim::delegate(const RoleName& delegator, model::DelegatedRole role) {
  const std::vector<model::AgreeingRole> named = role.roles();
  model::Targets& parent = targets(delegator);
  if (!parent.delegations) parent.delegations.emplace();
  parent.delegations->roles.push_back(std::move(role));
  for (const auto& [name, keys, unknown] : named) {
    if (!targets_.contains(name)) targets_[name].expires = expires_;
    if (!signers.contains(name)) signers[name] = {new_key(name)};
    set_keys(name, signers[name]);
  }
}

void RepositorySim::delegate_bins(const RoleName& delegator, std::uint32_t bit_length,
                                  const std::string& prefix, Keys allowed, std::uint32_t threshold) {
  if (allowed.empty()) allowed = {new_key(RoleName(prefix))};
  model::SuccinctRoles bins;
  bins.keys = role_keys(allowed, threshold);
  bins.bit_length = bit_length;
  bins.name_prefix = prefix;
  model::Targets& parent = targets(delegator);
  if (!parent.delegations) parent.delegations.emplace();
  enter(allowed, parent.delegations->keys);
  parent.delegations->succinct = bins;
  // Every bin is the bin of some name: try names until all have turned up.
  for (std::uint64_t found = 0, tried = 0; found < std::uint64_t{1} << bit_length; ++tried) {
    const RoleName bin = bins.bin_of(TargetName(std::to_string(tried)));
    if (targets_.contains(bin)) continue;
    targets_[bin].expires = expires_;
    signers[bin] = allowed;
    ++found;
  }
}

void RepositorySim::add_target(const RoleName& role, const TargetName& name, std::string_view content,
                               json::Object custom) {
  model::Target target;
  target.length = content.size();
  target.hashes = crypto::Hashes::of(as_bytes(content));
  target.custom = std::move(custom);
  targets(role).targets[name] = target;
  if (!root.consistent_snapshot) {
    files["targets/" + model::target_url_path(name, "")] = to_bytes(content);
    return;
  }
  for (const auto& [function, digest] : target.hashes.all()) {
    files["targets/" + model::target_url_path(name, to_hex(digest))] = to_bytes(content);
  }
}

void RepositorySim::bind_to(const VehicleId& vin) {
  targets().vin = vin;
  snapshot.vin = vin;
  timestamp.vin = vin;
}

std::string RepositorySim::path_of(const RoleName& role, Version version) const {
  const bool versioned =
      role == model::root_role() || (root.consistent_snapshot && role != model::timestamp_role());
  return model::metadata_file_name(role, versioned ? std::optional(version) : std::nullopt);
}

std::string RepositorySim::path_of(const RoleName& role) const { return path_of(role, published_.at(role)); }

const Bytes& RepositorySim::file_of(const RoleName& role) const { return files.at(path_of(role)); }

void RepositorySim::serve(const RoleName& role) {
  const model::Header& header = header_of(role);
  const Keys& keys = signers[role];
  Bytes file;
  if (role == model::root_role()) {
    file = sign(root, keys);
  } else if (role == model::timestamp_role()) {
    file = sign(timestamp, keys);
  } else if (role == model::snapshot_role()) {
    file = sign(snapshot, keys);
  } else {
    file = sign(targets(role), keys);
  }
  model::FileMeta listed;
  listed.version = header.version;
  if (list_hashes) {
    listed.length = file.size();
    listed.hashes = crypto::Hashes::of(file);
  }
  if (role == model::snapshot_role()) {
    timestamp.snapshot = listed;
  } else if (role != model::root_role() && role != model::timestamp_role()) {
    snapshot.meta.set(role, listed);
  }
  files[path_of(role, header.version)] = std::move(file);
  published_[role] = header.version;
}

void RepositorySim::publish(const RoleName& role) {
  model::Header& header = header_of(role);
  const auto last = published_.find(role);
  if (last != published_.end() && last->second == header.version) {
    header.version = Version(header.version.value() + 1);
  }
  serve(role);
}

void RepositorySim::publish_again(const RoleName& role) { serve(role); }

void RepositorySim::release(std::initializer_list<RoleName> roles) {
  for (const RoleName& role : roles) publish(role);
  publish(model::snapshot_role());
  publish(model::timestamp_role());
}

void RepositorySim::tamper(const RoleName& role, const std::function<void(json::Object&)>& change,
                           const Keys& keys) {
  Bytes& file = files.at(path_of(role));
  auto document = json::read(file);
  COTTER_ASSERT(document && document->as_object() != nullptr);
  json::Value* signed_part = document->as_object()->find("signed");
  COTTER_ASSERT(signed_part != nullptr && signed_part->as_object() != nullptr);
  change(*signed_part->as_object());
  file = signed_file(*signed_part, keys);
}

std::vector<std::string> RepositorySim::requests() const {
  const std::lock_guard lock(requests_guard_);
  return requests_;
}

void RepositorySim::forget_requests() {
  const std::lock_guard lock(requests_guard_);
  requests_.clear();
}

std::optional<Bytes> RepositorySim::file(std::string_view path) {
  {
    const std::lock_guard lock(requests_guard_);
    requests_.emplace_back(path);
  }
  const auto found = files.find(std::string(path));
  return found == files.end() ? std::nullopt : std::optional(found->second);
}

Result<Bytes> RepositorySim::get(std::string_view path, std::uint64_t max_bytes) {
  std::optional<Bytes> found = file(path);
  if (!found) return fault(Fault::Kind::NotFound, std::string(path) + " is not on the repository");
  if (found->size() > max_bytes) {
    TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(max_bytes) + " bytes", "more"));
  }
  return std::move(*found);
}

model::DelegatedRole delegated(std::string name, std::vector<std::string> paths, bool terminating) {
  model::DelegatedRole role;
  role.name = RoleName(std::move(name));
  role.paths = std::move(paths);
  role.terminating = terminating;
  return role;
}

model::DelegatedRole delegated_together(std::string name, const std::vector<std::string>& roles,
                                        std::uint32_t least, std::vector<std::string> paths,
                                        bool terminating) {
  model::DelegatedRole entry = delegated(std::move(name), std::move(paths), terminating);
  entry.min_roles_in_agreement = least;
  for (const std::string& role : roles) entry.roleinfo.push_back({RoleName(role), {}, {}});
  return entry;
}

json::Object image_facts(std::initializer_list<HardwareId> hardware, std::uint64_t release_counter) {
  return {{"mustMatch", model::MustMatch::of(hardware, ReleaseCounter(release_counter)).all}};
}

json::Object assigned_to(const EcuSerial& ecu, const HardwareId& hardware, std::uint64_t release_counter) {
  json::Object custom = image_facts({hardware}, release_counter);
  custom.set("ecuIdentifiers", json::Object{{ecu.value(), json::Object{{"hardwareId", hardware.value()}}}});
  return custom;
}

}  // namespace cotter::sim
