// What a scenario plays on: one vehicle's two repositories, their honest publishers, and an attacker between
// them and the vehicle. Never checks what it publishes, but that the attacker signs with keys it holds alone.
// One thread.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/trust/seams.h"
#include "tests/scenarios/runner/scenario.h"
#include "tests/sim/time_source_sim.h"
#include "tests/sim/vehicle_sim.h"

namespace cotter::scenario {

/// "image/timestamp"
struct FileId {
  Repository repository = Repository::Image;
  RoleName role;
  static FileId parse(const std::string& text);
  friend auto operator<=>(const FileId&, const FileId&) = default;
};

class Stage {
 public:
  explicit Stage(std::vector<std::string> attacker_holds);

  /// Plays a publisher's or the attacker's verb; false when it is neither's.
  bool play(const std::string& verb, const json::Value& what);

  sim::VehicleSim vehicle;
  std::vector<sim::EcuOrder> ecus;  ///< GATEWAY (the primary's own), BRAKE (full), DOOR (partial)
  [[nodiscard]] const sim::EcuOrder& ecu(const std::string& serial) const;
  sim::TimeSourceSim time_source;  ///< once the director's root lists one

  sim::RepositorySim& repository(Repository which);
  /// What the vehicle sees of a repository, with the network's faults.
  trust::Transport& network(Repository which);
  /// The bytes served for an image, as a vehicle that has its digest finds them. Faults: NotFound.
  Result<Bytes> image(const TargetName& name, const model::Target& target);
  [[nodiscard]] std::string path_of(const FileId& file);
  [[nodiscard]] Bytes current(const FileId& file);

 private:
  class Network;
  using Faults = std::map<std::string, Fault::Kind>;  ///< by path; under kEveryPath, of all
  static constexpr const char* kEveryPath = "*";
  using Verb = void (Stage::*)(const json::Value&);
  static const std::map<std::string, Verb>& verbs();

  // Publishers.
  void release(const json::Value& what);
  void publish_image(const json::Value& what);
  void assign(const json::Value& what);
  void publish(const json::Value& what);
  void set(const json::Value& what);
  void rotate(const json::Value& what);
  void keys(const json::Value& what);
  void delegate(const json::Value& what);
  void delegate_together(const json::Value& what);
  void add_delegation(const json::Value& what, model::DelegatedRole entry);
  void remember(const json::Value& what);
  void advance(const json::Value& what);
  void other_vehicle(const json::Value& what);
  void release_many_roots(const json::Value& what);
  void list_time_source(const json::Value& what);
  void list_time_source_in_targets();
  // The attacker.
  void replay(const json::Value& what);
  void forge(const json::Value& what);
  void serve_bytes(const json::Value& what);
  void flip(const json::Value& what);
  void hide(const json::Value& what);
  void break_network(const json::Value& what);
  void serve_image(const json::Value& what);
  void attest(const json::Value& what);

  struct State {
    std::map<std::string, Bytes> files;
    std::map<RoleName, std::string> paths;
  };
  State& state(Repository which) { return states_[which]; }
  /// Takes over what the honest publisher last served.
  void see(Repository which);
  void put(const FileId& file, const json::Value& signed_part, const sim::Keys& keys,
           const std::string& path);
  std::string path_for(const FileId& file, const json::Value& signed_part);
  /// Enters a file in its parents, which the attacker signs again too.
  void relist(const FileId& file, const json::Value& signed_part);
  sim::Keys signers(const std::vector<std::string>& names);
  sim::Keys signers(const FileId& file) { return repository(file.repository).signers.at(file.role); }
  void must_hold(const std::string& key) const;
  [[nodiscard]] std::string with_keyids(std::string text);
  [[nodiscard]] json::Value with_keyids(const json::Value& value);
  void edit(json::Value& document, const json::Value& change);

  std::vector<std::string> attacker_holds_;
  std::map<std::string, std::map<Repository, State>> remembered_;
  std::map<Repository, State> states_;  ///< where each role's served file lies now
  std::map<std::string, sim::Keys> old_keys_;
  std::map<Repository, Faults> faults_;
  std::map<Repository, std::shared_ptr<Network>> networks_;
};

}  // namespace cotter::scenario
