// The client workflow under a program of steps: publishers publish, rotate and revoke; an attacker who holds
// some keys and the network replays, mixes, cuts and signs; the client refreshes, forgets, and finds images.
//
// Whatever the program is:
// - what is trusted of a role whose keys the attacker cannot use was signed by honest publishers;
// - after a refusal the set is as it was;
// - no trusted version goes down while keys stay and the client's own files are whole;
// - at the end an honest publication with new keys for what was compromised is taken (VER-REC).
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/trust/refresh.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/program.h"
#include "tests/sim/repository_sim.h"

namespace cotter::fuzz {
namespace {

const UtcTime kStart = *parse_utc("2030-01-01T00:00:00Z");
constexpr std::chrono::hours kYear(24 * 365);
const RoleName kTeam("team");
const VehicleId kVin("VIN1");
const EcuSerial kEcu("ecu1");
const HardwareId kHardware("hw");

const std::array<RoleName, 5>& all_roles() {
  static const std::array<RoleName, 5> roles{model::root_role(), model::timestamp_role(),
                                             model::snapshot_role(), model::targets_role(), kTeam};
  return roles;
}

struct Store final : trust::MetadataStore {
  Result<std::optional<Bytes>> load(Repository, const RoleName& role) const override {
    const auto found = files.find(role);
    return found == files.end() ? std::optional<Bytes>() : std::optional(found->second);
  }
  Result<void> commit(Repository, std::span<const trust::Effect> effects) override {
    for (const trust::Effect& effect : effects) {
      if (const auto* store = std::get_if<trust::Store>(&effect)) {
        files[store->role] = store->wire;
      } else {
        files.erase(std::get<trust::Forget>(effect).role);
      }
    }
    return {};
  }
  std::map<RoleName, Bytes> files;
};

/// Two sets are equal when they hold the same files: all but the root is shared between copies.
bool same(const trust::TrustedSet& a, const trust::TrustedSet& b) {
  return std::ranges::equal(a.root().wire(), b.root().wire()) && a.timestamp() == b.timestamp() &&
         a.snapshot() == b.snapshot() && a.targets() == b.targets() &&
         a.recalled_targets() == b.recalled_targets() &&
         a.targets(kTeam, model::targets_role()) == b.targets(kTeam, model::targets_role()) &&
         a.now() == b.now();
}

std::string identity_of(const RoleName& role, const json::Value& signed_part) {
  return role.value() + to_hex(crypto::sha256(json::canonical(signed_part)));
}

class World {
 public:
  explicit World(Program& program) : program_(program) {
    const std::uint8_t shape = program_.byte();
    policy_.profile = (shape & 1U) != 0 ? model::Profile::Tuf : model::Profile::Vehicle;
    director_ = (shape & 2U) != 0;
    if (director_) {
      policy_.repository = Repository::Director;
      policy_.vin = kVin;
      policy_.ecus = std::set<EcuSerial>{kEcu};
      sim_.bind_to(kVin);
    }
    for (const unsigned bit : {0U, 1U, 2U}) {
      static const RoleName kOnline[] = {model::timestamp_role(), model::snapshot_role(), kTeam};
      if ((shape >> (2 + bit) & 1U) != 0) compromised_.insert(kOnline[bit]);
    }
    sim_.list_hashes = (shape & 32U) == 0 || policy_.profile == model::Profile::Vehicle;
    // Two of three offline keys sign; the attacker has one.
    for (const RoleName& role : {model::root_role(), model::targets_role()}) rekey(role);
    if (!director_) sim_.delegate(model::targets_role(), sim::delegated("team", {"team/*"}));
    list_image();
    sim_.files.clear();  // of before: nobody replays what was never given out
    publish_all();
    pinned_ = sim_.file_of(model::root_role());
    sim_.files = honest_;
  }

  void play() {
    for (int step = 0; step < 24 && !program_.done(); ++step) act();
    refresh();
    recover();
  }

 private:
  // --- honest publishers ----------------------------------------------------------------------------------

  /// Three new keys, two of which must sign; root changes are signed by the old ones too.
  void rekey(const RoleName& role) {
    const bool offline = role == model::root_role() || role == model::targets_role();
    if (!offline) {
      sim_.rotate(role);
    } else {
      sim_.set_keys(role, {sim_.new_key(role), sim_.new_key(role), sim_.new_key(role)}, 2);
    }
  }

  void list_image() {
    const std::string name = std::to_string(images_++) + ".bin";
    if (director_) {
      sim_.targets().targets.clear();
      sim_.add_target(model::targets_role(), TargetName("team/" + name), name,
                      sim::assigned_to(kEcu, kHardware, images_));
    } else {
      sim_.add_target(model::targets_role(), TargetName("own/" + name), name,
                      sim::image_facts({kHardware}, images_));
      sim_.add_target(kTeam, TargetName("team/" + name), name, sim::image_facts({kHardware}, images_));
    }
  }

  void date_all() {
    const UtcTime expires = std::max(now_, kStart) + kYear;
    sim_.root.expires = sim_.timestamp.expires = sim_.snapshot.expires = sim_.targets().expires = expires;
    if (!director_) sim_.targets(kTeam).expires = expires;
  }

  void note_honest(const RoleName& role, const json::Value& signed_part) {
    signed_by_us_.insert(identity_of(role, signed_part));
    history_[role].push_back(sim_.file_of(role));
  }

  /// The publishers look at their own files, not at what the attacker made of them.
  void publish_root() {
    sim::Keys keys = sim_.signers[model::root_role()];
    const sim::Keys fresh = keys;
    keys.insert(keys.end(), root_signers_.begin(), root_signers_.end());
    // Each key once: the same id twice is refused.
    std::set<KeyId> seen;
    std::erase_if(keys,
                  [&](const auto& key) { return !seen.insert(key->public_key().computed_id()).second; });
    sim_.signers[model::root_role()] = keys;
    sim_.publish(model::root_role());
    sim_.signers[model::root_role()] = fresh;
    root_signers_ = fresh;
    note_honest(model::root_role(), sim_.root.encode());
  }

  void release() {
    if (!director_) {
      sim_.publish(kTeam);
      note_honest(kTeam, sim_.targets(kTeam).encode());
    }
    sim_.publish(model::targets_role());
    note_honest(model::targets_role(), sim_.targets().encode());
    sim_.publish(model::snapshot_role());
    note_honest(model::snapshot_role(), sim_.snapshot.encode());
    sim_.publish(model::timestamp_role());
    note_honest(model::timestamp_role(), sim_.timestamp.encode());
  }

  void publish_all() {
    date_all();
    publish_root();
    release();
    honest_ = sim_.files;
  }

  /// Runs `change` and publishes what came of it.
  template <class Change>
  void honestly(Change change) {
    sim_.files = honest_;
    change();
    publish_all();
  }

  // --- the attacker ---------------------------------------------------------------------------------------

  /// What the attacker can sign with for this role: all keys of a compromised one, one of an offline one.
  sim::Keys stolen(const RoleName& role) {
    const sim::Keys& keys = sim_.signers[role];
    if (compromised_.contains(role)) return keys;
    if (role == model::root_role() || role == model::targets_role()) return {keys.front()};
    return {sim::key("attacker")};
  }

  const RoleName& some_role() { return all_roles()[program_.below(director_ ? 4 : 5)]; }

  /// The path that a client asks for next; of a root that is the one after the newest.
  std::string path_of(const RoleName& role) {
    if (role != model::root_role() || program_.flag()) return sim_.path_of(role);
    return std::to_string(sim_.root.version.value() + 1) + ".root.json";
  }

  /// What is served for a role now, where it can be read.
  std::optional<json::Object> signed_part_served(const RoleName& role) {
    const auto file = sim_.files.find(sim_.path_of(role));
    if (file == sim_.files.end()) return std::nullopt;
    const auto document = json::read(file->second);
    const json::Object* envelope = document ? document->as_object() : nullptr;
    const json::Value* part = envelope == nullptr ? nullptr : envelope->find("signed");
    if (part == nullptr || part->as_object() == nullptr) return std::nullopt;
    return *part->as_object();
  }

  void tamper() {
    const RoleName role = some_role();
    const auto served = signed_part_served(role);
    if (!served) return;
    json::Object content = *served;
    static constexpr std::uint64_t kVersions[] = {1, 2, 3, 5, 1000, (std::uint64_t{1} << 53) - 1};
    switch (program_.below(6)) {
      case 0:
        content.set("version", json::Value(kVersions[program_.below(std::size(kVersions))]));
        break;
      case 1:
        content.set("expires", json::Value(format_utc(now_ + kYear * static_cast<int>(program_.below(9)))));
        break;
      case 2:
        content.set("vin", "VIN2");
        break;
      case 3:
        content.set("targets",
                    json::Object{{"team/evil.bin", evil_target()}, {"own/evil.bin", evil_target()}});
        break;
      case 4:
        list_anew(role, content);
        break;
      default:
        content.set("x-" + std::to_string(program_.byte()), "anything");
    }
    serve(path_of(role), sim::signed_file(json::Value(std::move(content)), stolen(role)));
  }

  static json::Value evil_target() {
    model::Target target;
    target.length = 4;
    target.hashes = crypto::Hashes::of(to_bytes("evil"));
    target.custom = sim::assigned_to(kEcu, kHardware, 99);
    return target.encode();
  }

  /// Snapshot and timestamp that fit what is served now, as far as that can be read.
  void list_anew(const RoleName& role, json::Object& content) {
    json::Value* meta = content.find("meta");
    if (meta == nullptr || meta->as_object() == nullptr) return;
    const auto list = [&](const RoleName& listed) {
      const auto fields = signed_part_served(listed);
      const json::Value* version = fields ? fields->find("version") : nullptr;
      if (version == nullptr) return;
      const Bytes file = sim_.files.at(sim_.path_of(listed));
      meta->as_object()->set(listed.value() + ".json",
                             json::Object{{"version", *version},
                                          {"length", json::Value(std::uint64_t{file.size()})},
                                          {"hashes", crypto::Hashes::of(file).encode()}});
      // A client asks for the file by its new version's name.
      if (const auto number = version->as_int()) {
        sim_.files[std::to_string(*number) + "." + listed.value() + ".json"] = file;
      }
    };
    if (role == model::timestamp_role()) list(model::snapshot_role());
    if (role == model::snapshot_role()) {
      list(model::targets_role());
      if (!director_) list(kTeam);
    }
  }

  void serve(const std::string& path, Bytes file) {
    if (!file.empty()) last_served_ = file;
    sim_.files[path] = std::move(file);
  }

  void replay() {
    const RoleName role = some_role();
    const std::vector<Bytes>& old = history_[program_.flag() ? role : some_role()];
    serve(path_of(role), old[program_.below(old.size())]);
  }

  void damage(Bytes& file) {
    if (file.empty()) return;
    const std::size_t at = (std::size_t{program_.byte()} << 8U | program_.byte()) % file.size();
    if (program_.flag()) {
      file.resize(at);
    } else {
      file[at] ^= static_cast<std::uint8_t>(1U << program_.below(8));
    }
  }

  // --- the client -----------------------------------------------------------------------------------------

  Result<trust::TrustedSet> anchored() {
    const auto stored = store_.files.find(model::root_role());
    if (stored != store_.files.end()) {
      auto set = trust::TrustedSet::anchored_at(stored->second, now_, policy_);
      if (set) return set;
    }
    return trust::TrustedSet::anchored_at(pinned_, now_, policy_);
  }

  /// drive(), one step at a time: after a refusal the set must be the one before.
  template <class Driver>
  Result<void> drive(Driver& driver) {
    while (const auto want = driver.next()) {
      std::optional<Bytes> file;
      if (want->place == trust::Place::Stored) {
        file = *store_.load(policy_.repository, want->role);
      } else {
        file = sim_.file(model::metadata_file_name(want->role, want->version));
      }
      const trust::TrustedSet before = driver.set();
      Result<void> step = file ? driver.give(std::move(*file)) : driver.absent();
      if (!step) COTTER_ASSERT(same(before, driver.set()));
      COTTER_ASSERT(store_.commit(policy_.repository, driver.take_effects()));
      if (!step) return step;
    }
    return {};
  }

  template <class T>
  void check(const RoleName& role, const trust::Verified<T>* file) {
    if (file == nullptr) return;
    if (!compromised_.contains(role)) {
      COTTER_ASSERT(signed_by_us_.contains(identity_of(role, (*file)->encode())));
    }
    Floor& floor = floors_[role];
    const std::uint64_t version = (*file)->version.value();
    if (floor.generation == key_generation(role)) COTTER_ASSERT(version >= floor.version);
    floor = {version, key_generation(role)};
  }

  /// Which keys a floor belongs to: as the client's root says, whatever the publishers have done since.
  std::string key_generation(const RoleName& role) {
    // A targets file's floor goes with the snapshot's in plain TUF, and a root's never goes.
    if (role == model::root_role()) return "";
    std::string keys;
    for (const RoleName& which : {model::timestamp_role(), model::snapshot_role(), model::targets_role()}) {
      for (const KeyId& id : root_keys_.at(which).keyids) keys += id.value();
    }
    return keys;
  }

  Result<trust::TrustedSet> refreshed() {
    trust::Refresh refresh(TRY(anchored()));
    const Result<void> driven = drive(refresh);
    root_keys_ = refresh.set().root()->roles;
    check(model::root_role(), &refresh.set().root());
    check(model::timestamp_role(), refresh.set().timestamp());
    check(model::snapshot_role(), refresh.set().snapshot());
    check(model::targets_role(), refresh.set().targets());
    if (refresh.set().timestamp() != nullptr) {
      COTTER_ASSERT((*refresh.set().timestamp())->expires > now_);
    }
    TRY(driven);
    trust::TrustedSet set = std::move(refresh).take();
    COTTER_ASSERT(set.root()->expires > now_ && (*set.snapshot())->expires > now_);
    COTTER_ASSERT((*set.targets())->expires > now_);
    return set;
  }

  void find(trust::TrustedSet set, const std::string& name) {
    trust::DelegationWalk walk(std::move(set), TargetName(name), kHardware);
    if (!drive(walk)) return;
    const auto found = walk.found();
    const RoleName& targets = model::targets_role();
    check(kTeam, walk.set().targets(kTeam, targets));
    if (!found) return;
    COTTER_ASSERT(found->role == targets || name.starts_with("team/"));
    if (!compromised_.contains(found->role)) COTTER_ASSERT(name.find("evil") == std::string::npos);
  }

  void refresh() {
    auto set = refreshed();
    if (!set) return;
    static constexpr const char* kNames[] = {"team/0.bin", "own/0.bin", "team/evil.bin", "own/evil.bin",
                                             "none"};
    find(*std::move(set), kNames[program_.below(std::size(kNames))]);
  }

  /// What is lost on the client's own disk may cost floors, and nothing else.
  void damage_store() {
    const RoleName role = some_role();
    const auto found = store_.files.find(role);
    if (found == store_.files.end()) return;
    floors_.clear();
    if (program_.flag()) {
      store_.files.erase(found);
    } else if (program_.flag()) {
      const std::vector<Bytes>& old = history_[some_role()];
      found->second = old[program_.below(old.size())];
    } else {
      damage(found->second);
    }
  }

  // --- the program ----------------------------------------------------------------------------------------

  void act() {
    switch (program_.below(13)) {
      case 0:
        return honestly([&] { list_image(); });
      case 1:
        return honestly([&] { rekey(some_role()); });
      case 2:
        return honestly([] {});
      case 3:
        return replay();
      case 4:
      case 5:
        return tamper();
      case 6: {
        const ByteView text = program_.bytes(program_.byte());
        return serve(path_of(some_role()), Bytes(text.begin(), text.end()));
      }
      case 7:
        if (const auto file = sim_.files.find(sim_.path_of(some_role())); file != sim_.files.end()) {
          damage(file->second);
        }
        return;
      case 8:
        sim_.files.erase(path_of(some_role()));
        return;
      case 9:
        return serve(path_of(some_role()), last_served_);
      case 10:
        sim_.files = honest_;
        return;
      case 11:
        now_ += std::chrono::hours(24) * (int{program_.byte()} - 16);
        return damage_store_sometimes();
      default:
        return refresh();
    }
  }

  void damage_store_sometimes() {
    if (program_.byte() < 64) damage_store();
  }

  /// The publishers found out: new keys for whatever the attacker held, and the true files on the network.
  void recover() {
    honestly([&] {
      for (const RoleName& role : {model::timestamp_role(), model::snapshot_role()}) rekey(role);
      if (!director_) rekey(kTeam);
      list_image();
    });
    compromised_.clear();
    const auto set = refreshed();
    COTTER_ASSERT(set);
    COTTER_ASSERT((*set->targets())->version == sim_.targets().version);
    if (director_) return;
    trust::DelegationWalk walk(*set, TargetName("team/" + std::to_string(images_ - 1) + ".bin"), kHardware);
    COTTER_ASSERT(drive(walk) && walk.found() && walk.found()->role == kTeam);
  }

  struct Floor {
    std::uint64_t version = 0;
    std::string generation = "none yet";
  };

  Program& program_;
  sim::RepositorySim sim_{"image", kStart + kYear};
  trust::Policy policy_;
  bool director_ = false;
  UtcTime now_ = kStart;
  std::set<RoleName> compromised_;
  std::uint64_t images_ = 0;
  sim::Keys root_signers_ = sim_.signers[model::root_role()];
  std::set<std::string> signed_by_us_;
  std::map<RoleName, std::vector<Bytes>> history_;
  std::map<std::string, Bytes> honest_;
  Bytes pinned_;
  Bytes last_served_;
  Store store_;
  std::map<RoleName, Floor> floors_;
  std::map<RoleName, model::RoleKeys> root_keys_;
};

}  // namespace

void one(ByteView input) {
  Program program(input);
  World(program).play();
}

}  // namespace cotter::fuzz
