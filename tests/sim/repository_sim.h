// A whole TUF or Uptane repository in memory: change it, publish it step by step, serve it, tamper with it.
// Never checks anything: what a client must refuse can be published too. One thread, but for get().
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/model/roles.h"
#include "common/trust/seams.h"
#include "tests/sim/sim_key.h"

namespace cotter::sim {

inline const RoleName kTargets = model::targets_role();

/// Served as a Transport, or over HTTP by way of file(). What it serves are the bytes of `files`; publish()
/// puts them there, and tests may replace, cut or remove them behind its back.
class RepositorySim final : public trust::Transport {
 public:
  /// A repository with all four roles published as version 1, each with one key of its own. `label` tells its
  /// keys from another repository's.
  RepositorySim(std::string label, UtcTime expires);

  // What the next publish() of each role says.
  model::Root root;
  model::Timestamp timestamp;
  model::Snapshot snapshot;
  model::Targets& targets(const RoleName& role = model::targets_role());
  /// Who signs each role at its next publish(); `root` and the delegations say who may.
  std::map<RoleName, Keys> signers;
  /// Whether snapshot and timestamp list length and hashes, or the version alone.
  bool list_hashes = true;

  // Changing it.

  /// A key that no role has yet.
  std::shared_ptr<crypto::Signer> new_key(const RoleName& role);
  /// These may sign for `role`, in the root or in every delegation of it, and do from now on.
  void set_keys(const RoleName& role, const Keys& allowed, std::uint32_t threshold = 1);
  /// One new key in place of all that `role` has.
  void rotate(const RoleName& role);
  /// Adds `role` at the end of the delegator's list, with one new key where it has none yet, and empty
  /// targets.
  void delegate(const RoleName& delegator, model::DelegatedRole role);
  /// TAP 15: 2^bit_length roles with these keys; with none named, with one new key.
  void delegate_bins(const RoleName& delegator, std::uint32_t bit_length, const std::string& prefix,
                     Keys allowed = {}, std::uint32_t threshold = 1);
  /// Lists `content` in `role`, and serves it.
  void add_target(const RoleName& role, const TargetName& name, std::string_view content,
                  json::Object custom = {});
  /// A director's: `vin` in targets, snapshot and timestamp.
  void bind_to(const VehicleId& vin);

  // Publishing it.

  /// Signs and serves one role. Its version goes up by one unless the test has set another than the last
  /// published one. Targets are entered in `snapshot`, the snapshot in `timestamp`; those are not published
  /// with it.
  void publish(const RoleName& role);
  /// The same without a new version: two contents under one version, or a mere re-signing.
  void publish_again(const RoleName& role);
  /// These targets roles, then snapshot and timestamp, as an honest publisher does.
  void release(std::initializer_list<RoleName> roles);

  // What it serves.

  /// By path below the repository's address: "2.root.json", "targets/DIGEST.name".
  std::map<std::string, Bytes> files;
  /// Of the last published version of `role`.
  [[nodiscard]] std::string path_of(const RoleName& role) const;
  [[nodiscard]] const Bytes& file_of(const RoleName& role) const;
  /// Changes the signed part of what is served for `role` and lets `keys` sign it: what an attacker who holds
  /// them can do.
  void tamper(const RoleName& role, const std::function<void(json::Object&)>& change, const Keys& keys);

  /// Every request, in order.
  [[nodiscard]] std::vector<std::string> requests() const;
  void forget_requests();
  /// What is served at `path`, and a note that it was asked for. Safe on any thread while nobody changes the
  /// rest.
  std::optional<Bytes> file(std::string_view path);
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override;

 private:
  model::Header& header_of(const RoleName& role);
  void serve(const RoleName& role);
  [[nodiscard]] std::string path_of(const RoleName& role, Version version) const;

  std::string label_;
  UtcTime expires_;
  int keys_made_ = 0;
  std::map<RoleName, model::Targets> targets_;
  std::map<RoleName, Version> published_;
  mutable std::mutex requests_guard_;
  std::vector<std::string> requests_;
};

/// An entry for RepositorySim::delegate(): any hardware, keys to be filled in.
model::DelegatedRole delegated(std::string name, std::vector<std::string> paths = {"*"},
                               bool terminating = false);
/// An entry of several roles (TAP 3), of which `least` must agree.
model::DelegatedRole delegated_together(std::string name, const std::vector<std::string>& roles,
                                        std::uint32_t least, std::vector<std::string> paths = {"*"},
                                        bool terminating = false);
/// `custom` of an image as the image repository lists it: mustMatch with these facts.
json::Object image_facts(std::initializer_list<HardwareId> hardware, std::uint64_t release_counter);
/// The same as a director lists it, for one ECU.
json::Object assigned_to(const EcuSerial& ecu, const HardwareId& hardware, std::uint64_t release_counter);

}  // namespace cotter::sim
