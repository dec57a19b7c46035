#include "server/app/suppliers.h"

#include <algorithm>

#include "common/json/canonical.h"
#include "common/model/file_names.h"
#include "server/app/bin_names.h"
#include "server/app/director_roots.h"
#include "server/app/record.h"
#include "server/app/record_key.h"
#include "server/app/record_refusal.h"
#include "server/app/removed_suppliers.h"
#include "server/app/supplier_changes.h"
#include "server/app/supplier_family.h"
#include "server/ceremony/agreed_bins.h"
#include "server/repository/folder_transport.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::app {
namespace {

using operations::Supplier;

std::string bins_in_words(std::uint32_t bits) {
  return bits == 0 ? "no hashed bins" : std::to_string(std::uint64_t{1} << bits) + " hashed bins";
}

Result<void> check_policy(const AddSupplierRequest& request) {
  const operations::SupplierPolicy& policy = request.policy;
  if (policy.expiry_ceiling.count() <= 0 || policy.quota_bytes == 0)
    return fault(Fault::Kind::Usage, "a ceiling or a quota of nothing lets nothing in");
  constexpr std::uint64_t kMost = (std::uint64_t{1} << 53U) - 1;  // that JSON keeps
  if (std::max({policy.quota_bytes, policy.version_floor, policy.counter_leap}) > kMost)
    return fault(Fault::Kind::Usage, "a quota, a floor or a leap is above " + std::to_string(kMost));
  if (policy.min_rsa_bits < operations::kMinRsaBits || policy.min_rsa_bits > operations::kMostRsaBits)
    return fault(Fault::Kind::Usage, "RSA keys have " + std::to_string(operations::kMinRsaBits) + " to " +
                                         std::to_string(operations::kMostRsaBits) + " bits here");
  if (policy.bit_length > operations::kMostSupplierBits)
    return fault(Fault::Kind::Usage,
                 "more than " + bins_in_words(operations::kMostSupplierBits) +
                     " are more than a supplier can sign and hand in at a time",
                 "enough for 65536 images; give suppliers of more a release role, or names of several");
  if (policy.bit_length > 0) {
    operations::Supplier split;
    split.name = request.plan.name;
    split.policy = policy;
    if (!model::is_releasable_role_name(split.bins().bin(0).value()))
      return fault(Fault::Kind::Usage, "'" + request.plan.name.value() + "' is too long for a role with bins",
                   "1 to 60 of A-Z a-z 0-9 . _ -");
  }
  for (const crypto::PublicKey& key : request.plan.keys) {
    if (const auto objection = policy.objection_to(key))
      return fault(Fault::Kind::Usage, "key " + key.computed_id().value() + " " + *objection);
  }
  return {};
}

/// Its policy, with the bins that it was taken in with: a number that no later policy changes.
Result<operations::SupplierPolicy> policy_of(host::Db& db, const AddSupplierRequest& request) {
  operations::SupplierPolicy policy = request.policy;
  const auto there = TRY(storage::SupplierStore(db).find(request.plan.name));
  if (there && policy.bit_length == 0) policy.bit_length = there->policy.bit_length;
  if (there && policy.bit_length != there->policy.bit_length)
    return fault(Fault::Kind::Conflict,
                 request.plan.name.value() + " was taken in with " + bins_in_words(there->policy.bit_length) +
                     ", which it keeps: another number would rename them all",
                 "take a supplier in under another name and with other paths, or leave it as it is");
  if (policy.bit_length > 0 && policy.may_delegate)
    return fault(Fault::Kind::Usage, "who has hashed bins delegates to them, and lets nobody else sign",
                 "leave out --may-delegate or --expected-targets");
  return policy;
}

/// With the delegation its holders sign for how many bins there are: the supplier learns it from there.
Result<void> agree_on_bins(model::Targets& targets, const RoleName& name, std::uint32_t bits, bool is_new) {
  auto& roles = targets.delegations->roles;
  const auto entry = std::ranges::find(roles, name, &model::DelegatedRole::name);
  COTTER_ASSERT(entry != roles.end());
  if (is_new && bits > 0) ceremony::agree_on_bits(*entry, bits);
  if (ceremony::agreed_bits(*entry).value_or(0) == bits) return {};
  return fault(Fault::Kind::Conflict, "role " + name.value() + " is delegated to already, with other bins",
               "take the supplier out first, or choose another name");
}

/// KEY-2: with one key for two roles, who loses it for one of them loses the other too. `listed`: with what
/// waits for its signatures.
Result<void> check_keys_are_its_own(const Workspace& workspace, const RepositoryWriter& writer,
                                    const model::Targets& listed, const repository::SupplierRolePlan& plan) {
  repository::FolderTransport transport(writer.layout().dir());
  Neighbours others = neighbours_of(writer.published(), transport, plan.name);
  if (listed.delegations) add_to(others, *listed.delegations);
  add_to(others, *TRY(DirectorRoots::read(workspace.director_dir())).newest());
  for (const crypto::PublicKey& key : plan.keys) {
    const auto other = others.keys.find(key.material());
    if (other == others.keys.end() || other->second == plan.name) continue;
    return fault(Fault::Kind::Conflict,
                 "key " + key.computed_id().value() + " signs for " + other->second.value() + " already",
                 "one role, one key: let " + plan.name.value() + " make one for this alone");
  }
  return {};
}

Result<void> keep_policy(host::Db& db, const AddSupplierRequest& request,
                         const operations::SupplierPolicy& next, UtcTime now) {
  auto transaction = TRY(host::Transaction::begin(db));
  storage::SupplierStore store(db);
  const auto there = TRY(store.find(request.plan.name));
  json::Object policy = next.encode();
  if (there && json::to_text(there->policy.encode()) == json::to_text(policy)) return {};
  for (const keystore::KeyInfo& key : request.named) {
    if (!there) TRY(record_key(db, ledger::kKeyProposed, key, request.plan.name.value(), now));
  }
  TRY(store.put({request.plan.name, next, now}));
  TRY(record(db, {std::string(ledger::kSupplier), now, acting_account(), request.plan.name.value(),
                  json::Object{{"change", there ? "policy" : "added"}, {"policy", std::move(policy)}}}));
  return transaction.commit();
}

/// The roles of the supplier, and of all whom it ever let sign.
Result<std::vector<RoleName>> family_of(host::Db& db, const RoleName& name) {
  std::vector<RoleName> family;
  for (const Supplier& other : TRY(storage::SupplierStore(db).list())) {
    if (other.name != name && other.below != name) continue;
    for (RoleName& role : other.roles()) family.push_back(std::move(role));
  }
  return family;
}

/// What needs nobody's signature. `images`: that go with it.
Result<RemoveOutcome> close_door(const Workspace& workspace, host::Db& db, const ListedImages& images,
                                 const RemoveSupplierRequest& request, UtcTime now) {
  const RoleName& name = request.name;
  RemoveOutcome outcome;
  auto transaction = TRY(host::Transaction::begin(db));
  const auto supplier = TRY(storage::SupplierStore(db).find(name));
  if (!supplier) return fault(Fault::Kind::NotFound, "there is no supplier " + name.value());
  if (supplier->below && !supplier->removed)
    return fault(Fault::Kind::Conflict,
                 supplier->below->value() + " lets " + name.value() + " sign, and alone can end that",
                 "cotter token revoke shuts it out; supplier add " + supplier->below->value() +
                     " again without --may-delegate shuts out all below it");
  outcome.assigned = TRY(assigned_ecus(db, images));
  outcome.stopped = !outcome.assigned.empty() && !request.ends_assignments;
  if (outcome.stopped) return outcome;
  SubmissionFiles files(workspace.submissions_dir());
  const std::string reason = "the supplier " + name.value() + " was removed";
  TRY(shut_out(db, files, *supplier, reason, acting_account(), now));
  TRY(end_assignments(db, outcome.assigned, reason, now));
  TRY(transaction.commit());
  return outcome;
}

Result<TargetsOutcome> try_to_add(const Workspace& workspace, const AddSupplierRequest& request,
                                  UtcTime now) {
  TRY(repository::check_plan(request.plan));
  TRY(check_policy(request));
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  TRY(check_name_is_free(writer.db(), request.plan.name));
  const operations::SupplierPolicy policy = TRY(policy_of(writer.db(), request));
  auto change = TRY(TargetsChange::begin(workspace, writer, request));
  model::Targets next = change.listed();
  if (!TRY(storage::SupplierStore(writer.db()).find(request.plan.name)))
    TRY(check_bin_names(writer, next, request.plan.name, policy.bit_length > 0));
  TRY(check_keys_are_its_own(workspace, writer, next, request.plan));
  const bool is_new = TRY(repository::add_delegation(next, request.plan));
  TRY(agree_on_bins(next, request.plan.name, policy.bit_length, is_new));
  TRY(keep_policy(writer.db(), request, policy, now));
  std::optional<std::string> line;
  if (is_new) line = repository::summary_line(request.plan);
  if (line && policy.bit_length > 0) *line += ", in " + bins_in_words(policy.bit_length);
  return change.finish(std::move(next), line);
}

Result<RemoveOutcome> try_to_remove(const Workspace& workspace, const RemoveSupplierRequest& request,
                                    UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  ListedImages images = TRY(images_listed(writer.layout(), TRY(family_of(writer.db(), request.name))));
  leave_out(images, **writer.published().targets());
  RemoveOutcome outcome = TRY(close_door(workspace, writer.db(), images, request, now));
  if (outcome.stopped) return outcome;
  auto change = TRY(TargetsChange::begin(workspace, writer, request));
  model::Targets next = change.listed();
  const bool is_new = repository::remove_delegation(next, request.name);
  const auto line = is_new ? std::optional("remove supplier " + request.name.value()) : std::nullopt;
  static_cast<TargetsOutcome&>(outcome) = TRY(change.finish(std::move(next), line));
  if (outcome.state == TargetsOutcome::State::Published) TRY(writer.clear_let_go());
  return outcome;
}

}  // namespace

Result<TargetsOutcome> add_supplier(const Workspace& workspace, const AddSupplierRequest& request,
                                    UtcTime now) {
  return try_and_tell(workspace, {request.plan.name.value(), "supplier"}, now, [&](AskedKeys& keys) {
    AddSupplierRequest asking = request;
    asking.online = keys.noting(request.online);
    return try_to_add(workspace, asking, now);
  });
}

Result<RemoveOutcome> remove_supplier(const Workspace& workspace, const RemoveSupplierRequest& request,
                                      UtcTime now) {
  return try_and_tell(workspace, {request.name.value(), "removal"}, now, [&](AskedKeys& keys) {
    RemoveSupplierRequest asking = request;
    asking.online = keys.noting(request.online);
    return try_to_remove(workspace, asking, now);
  });
}

}  // namespace cotter::app
