#include "server/app/next_bins.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "server/app/bin_intake.h"
#include "server/ceremony/agreed_bins.h"
#include "server/operations/supplier.h"
#include "server/repository/bins.h"
#include "server/repository/reader.h"

namespace cotter::app {
namespace {

using Listed = std::map<TargetName, model::Target>;

static_assert((std::size_t{1} << operations::kMostSupplierBits) == operations::kMaxSubmissionBins);

bool is_same(const Listed& one, const Listed& other) {
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), [](const auto& a, const auto& b) {
    return a.first == b.first && a.second.encode() == b.second.encode();
  });
}

tl::unexpected<Error> not_to_be_signed(const std::string& why) {
  return fault(Fault::Kind::Denied, "this bundle is not to be signed: " + why,
               "ask whoever passed it on; remove it, and begin anew");
}

}  // namespace

model::Delegations SplitRole::delegations() const {
  model::Delegations all;
  all.keys = ring;
  model::SuccinctRoles& succinct = all.succinct.emplace();
  succinct.keys = keys;
  succinct.bit_length = bit_length;
  succinct.name_prefix = name.value();
  return all;
}

model::Targets SplitRole::listed() const {
  model::Targets all;
  for (const auto& [bin, file] : bins) add_listed(all, **file);
  return all;
}

Result<std::optional<SplitRole>> read_split_role(trust::TrustedSet& set, trust::Transport& transport,
                                                 const RoleName& name) {
  const model::DelegatedRole& entry = *TRY(repository::find_delegation(**set.targets(), name));
  const auto bits = ceremony::agreed_bits(entry);
  if (!bits) return std::optional<SplitRole>();
  if (*bits > operations::kMostSupplierBits)
    return fault(Fault::Kind::Usage, name.value() + " has more bins than any supplier",
                 "give the name that you were taken in under");
  SplitRole role;
  role.name = name;
  role.bit_length = *bits;
  role.keys = entry.keys;
  const model::KeyRing& ring = (*set.targets())->delegations->keys;
  for (const KeyId& id : role.keys.keyids) {
    if (const auto key = ring.find(id); key != ring.end()) role.ring.insert(*key);
  }
  if (!set.listed(name)) return std::optional(std::move(role));
  TRY(repository::load_delegated(set, transport, name, model::targets_role()));
  role.own = &**set.targets(name, model::targets_role());
  role.newest = role.own->version;
  const model::Delegations delegations = role.delegations();
  for (std::uint64_t number = 0; number < repository::bin_count(*delegations.succinct); ++number) {
    const RoleName bin = delegations.succinct->bin(number);
    const auto listed = set.listed(bin);
    if (!listed) continue;
    TRY(repository::load_delegated(set, transport, bin, name));
    role.bins[bin] = set.targets(bin, name);
    role.newest = std::max(role.newest, listed->version);
  }
  return std::optional(std::move(role));
}

std::vector<SubmissionBundle::Metadata> next_metadata(const SplitRole& role, const model::Targets& next,
                                                      const NextBins& how) {
  const Version version = std::max(Version(role.newest.value() + 1), how.least);
  model::Targets own = repository::empty_bin(version, how.expires);
  own.delegations = role.delegations();
  const bool own_changes = how.renews || role.own == nullptr || !role.own->delegations ||
                           !(role.own->delegations->encode() == own.delegations->encode()) ||
                           role.own->expires < how.now + (how.expires - how.now) / 2;
  const model::SuccinctRoles& bins = *own.delegations->succinct;
  std::map<RoleName, Listed> lists;
  for (const auto& [name, target] : next.targets) lists[bins.bin_of(name)].emplace(name, target);

  std::vector<SubmissionBundle::Metadata> metadata;
  if (own_changes) metadata.push_back({{}, own, {}});
  SubmissionBundle::Metadata empty{{}, repository::empty_bin(version, how.expires), {}};
  for (std::uint64_t number = 0; number < repository::bin_count(bins); ++number) {
    const RoleName bin = bins.bin(number);
    const auto there = role.bins.find(bin);
    const Listed& list = lists[bin];
    const bool stays = !how.renews && there != role.bins.end() && is_same((*there->second)->targets, list) &&
                       (!own_changes || verified_below(own, bin, there->second->wire()).has_value());
    if (stays) continue;
    if (list.empty()) {
      empty.roles.push_back(bin);
    } else {
      metadata.push_back({{bin}, repository::empty_bin(version, how.expires), {}});
      metadata.back().targets.targets = list;
    }
  }
  if (!empty.roles.empty()) metadata.push_back(std::move(empty));
  return metadata;
}

Result<void> check_bundle(const SplitRole& role, const SubmissionBundle& bundle) {
  const model::Delegations delegations = role.delegations();
  const model::SuccinctRoles& bins = *delegations.succinct;
  std::set<RoleName> seen;
  for (const SubmissionBundle::Metadata& file : bundle.metadata) {
    if (file.roles.empty()) {
      model::Targets own = repository::empty_bin(file.targets.version, file.targets.expires);
      own.delegations = delegations;
      if (!seen.insert(role.name).second || !(file.targets.encode() == own.encode()))
        return not_to_be_signed("the file of " + role.name.value() +
                                " itself says something else than that the keys of today sign its bins");
      continue;
    }
    for (const RoleName& bin : file.roles) {
      if (!bins.has(bin)) return not_to_be_signed(bin.value() + " is no bin of " + role.name.value());
      if (!seen.insert(bin).second) return not_to_be_signed("there are two files of " + bin.value());
    }
    const std::vector<std::string> wrong = judge_bin(file.roles, file.targets, bins);
    if (!wrong.empty()) return not_to_be_signed(wrong.front());
  }
  return {};
}

}  // namespace cotter::app
