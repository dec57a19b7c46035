#include "server/app/bin_intake.h"

#include <algorithm>
#include <utility>

#include "server/repository/bins.h"

namespace cotter::app {
namespace {

std::set<std::string> materials(const model::KeyRing& ring, const model::RoleKeys& keys) {
  std::set<std::string> all;
  for (const KeyId& id : keys.keyids) {
    if (const auto key = ring.find(id); key != ring.end()) all.insert(key->second.material());
  }
  return all;
}

/// The keys of `entry`, each by the id and in the very form in which the targets list it, and no others: a
/// key under many names, or an object that says more, would make every vehicle read on.
bool lists_the_keys_of(const model::DelegatedRole& entry, const model::KeyRing& ring,
                       const model::Delegations& own) {
  const auto ids_of = [](const model::RoleKeys& keys) {
    return std::set<KeyId>(keys.keyids.begin(), keys.keyids.end());
  };
  const std::set<KeyId> ids = ids_of(entry.keys);
  if (!own.succinct || ids_of(own.succinct->keys) != ids || own.keys.size() != ids.size()) return false;
  return std::ranges::all_of(own.keys, [&](const auto& each) {
    const auto listed = ring.find(each.first);
    return ids.contains(each.first) && listed != ring.end() &&
           listed->second.encode() == each.second.encode();
  });
}

const model::SuccinctRoles* succinct_in(const model::Targets* file) {
  const bool has_some = file != nullptr && file->delegations && file->delegations->succinct;
  return has_some ? &*file->delegations->succinct : nullptr;
}

/// "acme-1 and 2 more"
std::string some_of(const std::vector<RoleName>& bins) {
  const std::string more = bins.size() == 1 ? "" : " and " + std::to_string(bins.size() - 1) + " more";
  return bins.front().value() + more;
}

}  // namespace

const model::SuccinctRoles* bins_in(const model::Targets& own, const operations::Supplier& supplier) {
  const model::SuccinctRoles agreed = supplier.bins();
  const model::SuccinctRoles* bins = succinct_in(&own);
  const bool as_agreed =
      bins != nullptr && bins->bit_length == agreed.bit_length && bins->name_prefix == agreed.name_prefix;
  return as_agreed ? bins : nullptr;
}

std::vector<std::string> judge_own_file(const model::Targets& own, const operations::Supplier& supplier,
                                        const model::DelegatedRole& entry, const model::KeyRing& ring) {
  const std::string& name = supplier.name.value();
  std::vector<std::string> wrong;
  if (!own.targets.empty())
    wrong.push_back(name + " lists " + own.targets.begin()->first.value() + " itself, and not in a bin");
  const model::SuccinctRoles* bins = bins_in(own, supplier);
  if (bins == nullptr) {
    wrong.push_back(name + " must delegate to its " + std::to_string(repository::bin_count(supplier.bins())) +
                    " hashed bins, and to nobody else");
    return wrong;
  }
  const bool has_its_keys = bins->keys.threshold == entry.keys.threshold &&
                            bins->keys.classes == entry.keys.classes &&
                            lists_the_keys_of(entry, ring, *own.delegations);
  if (!has_its_keys)
    wrong.push_back("the bins of " + name + " must be signed by the keys and the threshold that " + name +
                    " has now, as the targets list them: hand in its own metadata, which say so, too");
  return wrong;
}

std::vector<std::string> judge_bin(const std::vector<RoleName>& roles, const model::Targets& file,
                                   const model::SuccinctRoles& bins) {
  const std::string& first = roles.front().value();
  std::vector<std::string> wrong;
  if (file.delegations && !file.delegations->empty())
    wrong.push_back(first + " lets others sign, which a bin may not");
  if (roles.size() > 1 && !file.targets.empty()) {
    wrong.push_back("one file is handed in for " + first + " and others, and lists images");
    return wrong;
  }
  for (const auto& [name, target] : file.targets) {
    const RoleName bin = bins.bin_of(name);
    if (bin != roles.front())
      wrong.push_back(name.value() + " is in " + first + ", and vehicles look for it in " + bin.value());
  }
  return wrong;
}

std::vector<std::string> judge_kept_bins(const model::Targets& own, const std::set<RoleName>& handed_in,
                                         const PublishedFiles& published) {
  std::vector<std::string> wrong;
  const model::SuccinctRoles* bins = succinct_in(&own);
  if (bins == nullptr) return wrong;
  std::vector<RoleName> missing, doubted;
  for (std::uint64_t number = 0; number < repository::bin_count(*bins); ++number) {
    const RoleName bin = bins->bin(number);
    if (handed_in.contains(bin)) continue;
    const auto kept = published.find(bin);
    if (kept == published.end()) {
      missing.push_back(bin);
    } else if (!verified_below(own, bin, kept->second->wire())) {
      doubted.push_back(bin);
    }
  }
  if (!missing.empty())
    wrong.push_back("bins were never handed in, " + some_of(missing) +
                    ": all of them must be there, those without an image too");
  if (!doubted.empty())
    wrong.push_back("bins are not signed by enough of the keys that " + bins->name_prefix + " has now, " +
                    some_of(doubted) + ": hand them in, signed anew");
  return wrong;
}

Result<trust::Verified<model::Targets>> verified_below(const model::Targets& delegator, const RoleName& role,
                                                       ByteView wire) {
  const auto authority = TRY(trust::Authority::of_draft(delegator, role));
  auto unverified =
      TRY(trust::Unverified<model::Targets>::parse(Bytes(wire.begin(), wire.end()), model::Profile::Vehicle));
  return std::move(unverified).verify(authority);
}

std::optional<std::string> change_of_bins(const RoleName& by, const model::Targets* published,
                                          const model::Targets& own) {
  const model::SuccinctRoles* next = succinct_in(&own);
  if (next == nullptr) return std::nullopt;
  const auto signers = materials(own.delegations->keys, next->keys);
  const model::SuccinctRoles* before = succinct_in(published);
  const bool is_as_before = before != nullptr && before->keys.threshold == next->keys.threshold &&
                            materials(published->delegations->keys, before->keys) == signers;
  if (is_as_before) return std::nullopt;
  std::string ids;
  for (const auto& [id, key] : own.delegations->keys) {
    if (signers.contains(key.material())) ids += (ids.empty() ? "" : ", ") + key.computed_id().value();
  }
  return by.value() + " keeps its images in " + std::to_string(repository::bin_count(*next)) +
         " hashed bins, signed with " + std::to_string(next->keys.threshold) + " of: " + ids;
}

}  // namespace cotter::app
