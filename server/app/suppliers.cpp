#include "server/app/suppliers.h"

#include <algorithm>
#include <system_error>

#include "common/json/canonical.h"
#include "server/app/record.h"
#include "server/app/submission_files.h"
#include "server/repository/folder_transport.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/supplier_store.h"
#include "server/storage/sqlite/token_store.h"

namespace cotter::app {
namespace {

using operations::SubmissionState;
using operations::Supplier;

Result<void> check_policy(const AddSupplierRequest& request) {
  const operations::SupplierPolicy& policy = request.policy;
  if (policy.expiry_ceiling.count() <= 0 || policy.quota_bytes == 0)
    return fault(Fault::Kind::Usage, "a ceiling or a quota of nothing lets nothing in");
  for (const crypto::PublicKey& key : request.plan.keys) {
    const auto& schemes = policy.schemes;
    if (!schemes.empty() && std::ranges::find(schemes, name_of(key.scheme())) == schemes.end()) {
      return fault(Fault::Kind::Usage, "key " + key.computed_id().value() + " is " +
                                           std::string(name_of(key.scheme())) +
                                           ", which the policy does not allow");
    }
  }
  return {};
}

/// Its file stays in the snapshot, and the ledger tells of it: who is taken in later is another.
Result<void> check_name(host::Db& db, const RoleName& name) {
  const auto there = TRY(storage::SupplierStore(db).find(name));
  if (!there || !there->removed) return {};
  return fault(Fault::Kind::Conflict, "there was a supplier " + name.value() + ", which was removed",
               "choose another name: what it did stays under that one");
}

Result<void> keep_policy(host::Db& db, const AddSupplierRequest& request, UtcTime now) {
  auto transaction = TRY(host::Transaction::begin(db));
  storage::SupplierStore store(db);
  const auto there = TRY(store.find(request.plan.name));
  json::Object policy = request.policy.encode();
  if (there && json::to_text(there->policy.encode()) == json::to_text(policy)) return {};
  TRY(store.put({request.plan.name, request.policy, now}));
  TRY(record(db, {std::string(ledger::kSupplier), now, acting_account(), request.plan.name.value(),
                  json::Object{{"change", there ? "policy" : "added"}, {"policy", std::move(policy)}}}));
  return transaction.commit();
}

/// What needs nobody's signature.
Result<void> shut_out(const Workspace& workspace, host::Db& db, const RoleName& name, UtcTime now) {
  auto transaction = TRY(host::Transaction::begin(db));
  storage::SupplierStore store(db);
  const auto supplier = TRY(store.find(name));
  if (!supplier) return fault(Fault::Kind::NotFound, "there is no supplier " + name.value());
  if (supplier->removed) return {};
  TRY(store.note_removed(name, now));
  TRY(storage::TokenStore(db).revoke_of(name.value(), now));
  SubmissionFiles files(workspace.submissions_dir());
  for (const auto& submission : TRY(store.submissions(name.value(), INT64_MAX))) {
    if (submission.state != SubmissionState::Uploading && submission.state != SubmissionState::Waiting)
      continue;
    TRY(store.set_state(submission.id, SubmissionState::Rejected, {"the supplier was removed"}, now));
    TRY(files.remove(submission.id));
  }
  TRY(record(db, {std::string(ledger::kSupplier), now, acting_account(), name.value(),
                  json::Object{{"change", "removed"}}}));
  return transaction.commit();
}

/// The names under which its images lie; none where nothing of it was published.
Result<std::vector<std::filesystem::path>> image_files(const RepositoryWriter& writer, const RoleName& role) {
  std::vector<std::filesystem::path> paths;
  trust::TrustedSet set = writer.published();
  if (set.listed(role) == nullptr) return paths;
  repository::FolderTransport transport(writer.layout().dir());
  if (!repository::load_delegated(set, transport, role, model::targets_role())) return paths;
  for (const auto& [name, target] : (*set.targets(role, model::targets_role()))->targets) {
    for (const auto& [function, digest] : target.hashes.all())
      paths.push_back(writer.layout().image(name, to_hex(digest)));
  }
  return paths;
}

}  // namespace

Result<TargetsOutcome> add_supplier(const Workspace& workspace, const AddSupplierRequest& request,
                                    UtcTime now) {
  TRY(repository::check_plan(request.plan));
  TRY(check_policy(request));
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  TRY(check_name(writer.db(), request.plan.name));
  auto change = TRY(TargetsChange::begin(workspace, writer, request));
  model::Targets next = change.listed();
  const bool is_new = TRY(repository::add_delegation(next, request.plan));
  TRY(keep_policy(writer.db(), request, now));
  const auto line = is_new ? std::optional(repository::summary_line(request.plan)) : std::nullopt;
  return change.finish(std::move(next), line);
}

Result<TargetsOutcome> remove_supplier(const Workspace& workspace, const RemoveSupplierRequest& request,
                                       UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  TRY(shut_out(workspace, writer.db(), request.name, now));
  auto change = TRY(TargetsChange::begin(workspace, writer, request));
  model::Targets next = change.listed();
  const auto images = TRY(image_files(writer, request.name));
  const bool is_new = repository::remove_delegation(next, request.name);
  const auto line = is_new ? std::optional("remove supplier " + request.name.value()) : std::nullopt;
  TargetsOutcome outcome = TRY(change.finish(std::move(next), line));
  if (outcome.state != TargetsOutcome::State::Awaiting) {
    // Nothing leads to them any more; one that cannot be removed now does no harm.
    std::error_code ignored;
    for (const auto& image : images) std::filesystem::remove(image, ignored);
  }
  return outcome;
}

}  // namespace cotter::app
