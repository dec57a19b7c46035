#include "server/app/check_repository.h"

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/roles.h"
#include "common/trust/trusted_set.h"
#include "server/app/delegation_lints.h"
#include "server/repository/image_store.h"
#include "server/repository/precompressed.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

using namespace std::chrono_literals;
using trust::TrustedSet;

/// With less life left than this a role is worth a warning: time enough for those who must sign to come
/// together.
std::chrono::seconds early_warning(const RoleName& role) {
  if (role == model::root_role()) return std::chrono::days{30};
  if (role == model::timestamp_role()) return 6h;
  return role == model::snapshot_role() ? std::chrono::days{2} : std::chrono::days{14};
}

RoleHealth::Life life_of(const RoleName& role, UtcTime expires, UtcTime now) {
  if (expires <= now) return RoleHealth::Life::Expired;
  return expires <= now + early_warning(role) ? RoleHealth::Life::EndsSoon : RoleHealth::Life::Fresh;
}

/// The classes of the distinct keys of `role` with a valid signature on a file that has been verified: more
/// than the threshold may be.
Result<std::vector<std::optional<crypto::KeyClass>>> signers_of(ByteView wire, const model::KeyRing& ring,
                                                                const model::RoleKeys& role) {
  const json::Value file = TRY(json::read(wire));
  const auto view = TRY(json::ObjectView::of(file, "file"));
  const Bytes canonical = json::canonical(*TRY(view.value("signed")));
  std::set<std::string> signers;
  std::vector<std::optional<crypto::KeyClass>> classes;
  for (const json::Value& entry : *TRY(view.array("signatures"))) {
    const auto signature = TRY(json::ObjectView::of(entry, "signature"));
    const KeyId id(TRY(signature.string("keyid")));
    const auto key = ring.find(id);
    const bool may_sign = std::find(role.keyids.begin(), role.keyids.end(), id) != role.keyids.end();
    if (!may_sign || key == ring.end()) continue;
    if (!key->second.verifies(canonical, TRY(signature.hex("sig")))) continue;
    if (signers.insert(key->second.material()).second)
      classes.push_back(crypto::class_of(key->second.scheme()));
  }
  return classes;
}

/// Every role that some entry delegates to, by itself or together with others.
std::vector<model::AgreeingRole> named_in(const model::Delegations& delegations) {
  std::vector<model::AgreeingRole> all;
  for (const model::DelegatedRole& entry : delegations.roles) {
    for (model::AgreeingRole& role : entry.roles()) all.push_back(std::move(role));
  }
  return all;
}

/// Reads metadata as it lies plain, and notes where it lies otherwise packed beside it.
class BothForms final : public repository::Source {
 public:
  explicit BothForms(repository::Source& below) : below_(&below) {}
  Result<void> stream(std::string_view path, const repository::Sink& sink) override {
    return below_->stream(path, sink);
  }
  Result<Bytes> get(std::string_view path, std::uint64_t max_bytes) override {
    Bytes plain = TRY(below_->get(path, max_bytes));
    if (plain.size() < repository::kPackedFrom || !seen_.emplace(path).second) return plain;
    if (const auto same = repository::check_packed(*below_, std::string(path), plain); !same)
      problems_.push_back(summary(same.error()));
    return plain;
  }
  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

 private:
  repository::Source* below_;
  std::set<std::string> seen_;
  std::vector<std::string> problems_;
};

class Check {
 public:
  Check(repository::Source& source, UtcTime now) : source_(source), now_(now) {}

  Result<RepositoryHealth> run(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    TRY(repository::first_root(source_));  // without it there is no repository to speak of
    auto set = read();
    if (!set) return std::move(health_);
    look_at_top_level(*set);
    look_for_shared_keys(*set->root());
    look_at_delegations(*set);
    for (std::string& line : delegation_lints(*set->root(), **set->snapshot(), delegating_)) {
      health_.warnings.push_back(std::move(line));
    }
    const auto& damaged = source_.problems();
    health_.problems.insert(health_.problems.end(), damaged.begin(), damaged.end());
    look_at_images(progress);
    return std::move(health_);
  }

 private:
  void problem(const Error& error) { health_.problems.push_back(summary(error)); }

  /// The whole workflow at `now`; and where freshness alone is the trouble, all that can be said beside it.
  Result<TrustedSet> read() {
    auto judged = repository::read_as_client(source_, now_);
    if (judged) return judged;
    problem(judged.error());
    const Rejection* rejection = rejection_in(judged.error());
    if (rejection == nullptr) return judged;
    refused_role_ = RoleName(rejection->role);
    return repository::read_as_client(source_, repository::kBeforeAnyExpiry);
  }

  template <class T>
  void look_at(const RoleName& role, const trust::Verified<T>& file, const model::KeyRing& ring,
               const model::RoleKeys& keys) {
    RoleHealth health;
    health.role = role;
    health.version = file->version;
    health.expires = file->expires;
    health.threshold = keys.threshold;
    health.keys = static_cast<std::uint32_t>(keys.keyids.size());
    const auto signers =
        signers_of(file.wire(), ring, keys).value_or(std::vector<std::optional<crypto::KeyClass>>());
    health.signatures = static_cast<std::uint32_t>(signers.size());
    const bool preferred = keys.classes && keys.classes->stage == model::ClassThresholds::Stage::Prefer;
    if (const auto lacking = preferred ? keys.classes->lacking(signers) : std::nullopt) {
      health_.warnings.push_back(role.value() + " takes " + *lacking +
                                 ": vehicles do not refuse it yet, for its classes are preferred");
    }
    health.life = life_of(role, file->expires, now_);
    if (health.life == RoleHealth::Life::EndsSoon) {
      health_.warnings.push_back(role.value() + " expires soon, at " + format_utc(health.expires));
    }
    // A vehicle stops at the first role that has expired; whoever has to renew them wants to know of all.
    if (health.life == RoleHealth::Life::Expired && role != refused_role_) {
      health_.problems.push_back(role.value() + " expired at " + format_utc(health.expires));
    }
    health_.roles.push_back(std::move(health));
  }

  void look_at_top_level(const TrustedSet& set) {
    const model::Root& root = *set.root();
    const auto keys = [&](const RoleName& role) -> const model::RoleKeys& { return root.roles.at(role); };
    look_at(model::root_role(), set.root(), root.keys, keys(model::root_role()));
    look_at(model::targets_role(), *set.targets(), root.keys, keys(model::targets_role()));
    look_at(model::snapshot_role(), *set.snapshot(), root.keys, keys(model::snapshot_role()));
    look_at(model::timestamp_role(), *set.timestamp(), root.keys, keys(model::timestamp_role()));
    list_images(**set.targets());
  }

  /// One key in two roles makes one theft worth two (FMT-34).
  void look_for_shared_keys(const model::Root& root) {
    std::map<std::string, std::pair<KeyId, RoleName>> served;  // by what the key is, not by what it is called
    for (const auto& [role, keys] : root.roles) {
      for (const KeyId& id : keys.keyids) {
        const auto key = root.keys.find(id);
        if (key == root.keys.end()) continue;
        const auto [first, is_new] = served.try_emplace(key->second.material(), id, role);
        if (is_new || first->second.second == role) continue;
        health_.problems.push_back("key " + id.value() + " serves both " + first->second.second.value() +
                                   " and " + role.value());
      }
    }
  }

  void list_images(const model::Targets& file) {
    for (const auto& [name, target] : file.targets) images_.emplace_back(name, target);
  }

  /// Each delegated role by name, breadth first, below each role that delegates to it.
  void look_at_delegations(TrustedSet& set) {
    std::set<std::pair<RoleName, RoleName>> seen;
    std::set<RoleName> delegating;
    std::deque<std::pair<RoleName, RoleName>> to_visit{{model::targets_role(), model::root_role()}};
    while (!to_visit.empty()) {
      const auto [delegator, above] = to_visit.front();
      to_visit.pop_front();
      const auto* file = set.targets(delegator, above);
      if (file == nullptr || !(*file)->delegations) continue;
      const model::Delegations delegations = *(*file)->delegations;
      if (delegating.insert(delegator).second) delegating_.push_back({delegator, delegations});
      for (const model::AgreeingRole& role : named_in(delegations)) {
        if (!seen.emplace(role.name, delegator).second) continue;
        if (!set.listed(role.name)) {
          // A supplier that was taken in and has handed nothing in yet.
          health_.warnings.push_back("role " + role.name.value() + " has published nothing yet");
          continue;
        }
        if (auto loaded = repository::load_delegated(set, source_, role.name, delegator); !loaded) {
          problem(loaded.error());
          continue;
        }
        const auto& delegated = *set.targets(role.name, delegator);
        look_at(role.name, delegated, delegations.keys, role.keys);
        list_images(*delegated);
        to_visit.emplace_back(role.name, delegator);
      }
      if (delegations.succinct) {
        for (const RoleName& bin : look_at_bins(set, *delegations.succinct, delegations.keys, delegator))
          to_visit.emplace_back(bin, delegator);
      }
    }
  }

  /// All of a role's bins, as one line: the one that expires first stands for them. Thousands are read one at
  /// a time; those that delegate on, which stay in the set, are returned.
  std::vector<RoleName> look_at_bins(TrustedSet& set, const model::SuccinctRoles& bins,
                                     const model::KeyRing& ring, const RoleName& delegator) {
    std::vector<RoleName> delegating;
    std::optional<trust::Verified<model::Targets>> first;
    for (std::uint64_t number = 0; number >> bins.bit_length == 0; ++number) {
      const RoleName bin = bins.bin(number);
      TrustedSet with_bin = set;
      if (auto loaded = repository::load_delegated(with_bin, source_, bin, delegator); !loaded) {
        problem(loaded.error());
        continue;
      }
      const trust::Verified<model::Targets>& file = *with_bin.targets(bin, delegator);
      list_images(*file);
      if (!first || file->expires < (*first)->expires) first = file;
      if (!file->delegations) continue;
      delegating.push_back(bin);
      set = std::move(with_bin);
    }
    if (first) look_at(RoleName(bins.name_prefix + "-*"), *first, ring, bins.keys);
    return delegating;
  }

  void look_at_images(const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
    health_.images = images_.size();
    std::uint64_t total = 0;
    for (const auto& [name, target] : images_) total += target.length * target.hashes.all().size();
    for (const auto& [name, target] : images_) {
      if (progress) progress(health_.image_bytes, total);
      const auto checked = repository::check_image(source_, name, target, &health_.image_bytes);
      if (!checked) health_.problems.push_back("image " + name.value() + ": " + summary(checked.error()));
    }
  }

  BothForms source_;
  UtcTime now_;
  RepositoryHealth health_;
  std::optional<RoleName> refused_role_;
  std::vector<Delegating> delegating_;
  std::vector<std::pair<TargetName, model::Target>> images_;
};

}  // namespace

Result<RepositoryHealth> check_repository(repository::Source& source, UtcTime now,
                                          const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  return Check(source, now).run(progress);
}

}  // namespace cotter::app
