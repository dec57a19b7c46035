#include "server/app/bin_names.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "server/app/supplier_family.h"
#include "server/ceremony/agreed_bins.h"
#include "server/repository/bins.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::app {
namespace {

constexpr std::size_t kMostDigits = (repository::kMostBits + 3) / 4;

/// Whether a role of that name has bins: all of them are in the snapshot, or it was agreed that it may, or it
/// is a supplier's that was taken in with some.
Result<bool> is_split(RepositoryWriter& writer, const model::Targets& listed, const RoleName& role) {
  for (std::size_t digits = 1; digits <= kMostDigits; ++digits) {
    if (writer.published().listed(RoleName(role.value() + "-" + std::string(digits, '0')))) return true;
  }
  if (listed.delegations) {
    for (const model::DelegatedRole& entry : listed.delegations->roles) {
      if (entry.name == role && ceremony::agreed_bits(entry)) return true;
    }
  }
  const auto supplier = TRY(storage::SupplierStore(writer.db()).find(role));
  return supplier && supplier->has_bins();
}

/// Every name that is a role's, or was.
Result<std::set<RoleName>> names_taken(RepositoryWriter& writer, const model::Targets& listed) {
  Neighbours all;
  add_to(all, **writer.published().snapshot());
  if (listed.delegations) add_to(all, *listed.delegations);
  for (const operations::Supplier& supplier : TRY(storage::SupplierStore(writer.db()).list()))
    all.names.insert(supplier.name);
  return std::move(all.names);
}

}  // namespace

bool may_be_bin_of(const RoleName& name, const RoleName& role) {
  std::string_view rest = name.value();
  if (!rest.starts_with(role.value() + "-")) return false;
  rest.remove_prefix(role.value().size() + 1);
  return !rest.empty() && rest.size() <= kMostDigits &&
         std::ranges::all_of(rest, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::set<RoleName> without_bins(const std::set<RoleName>& roles) {
  std::set<RoleName> others;
  for (const RoleName& name : roles) {
    const std::size_t dash = name.value().rfind('-');
    const RoleName role(name.value().substr(0, dash));
    const bool is_bin =
        may_be_bin_of(name, role) && roles.contains(role) &&
        roles.contains(RoleName(role.value() + "-" + std::string(name.value().size() - dash - 1, '0')));
    if (!is_bin) others.insert(name);
  }
  return others;
}

Result<void> check_bin_names(RepositoryWriter& writer, const model::Targets& listed, const RoleName& name,
                             bool has_bins) {
  const RoleName before_dash(name.value().substr(0, name.value().rfind('-')));
  if (may_be_bin_of(name, before_dash) && TRY(is_split(writer, listed, before_dash)))
    return fault(Fault::Kind::Conflict,
                 name.value() + " is the name of a bin that role " + before_dash.value() + " has, or may get",
                 "choose another name");
  if (!has_bins) return {};
  for (const RoleName& other : TRY(names_taken(writer, listed))) {
    if (may_be_bin_of(other, name))
      return fault(Fault::Kind::Conflict,
                   "one of the bins may be " + other.value() + ", and there is, or was, a role of that name",
                   "choose another name");
  }
  return {};
}

}  // namespace cotter::app
