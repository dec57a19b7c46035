#include "server/app/init_release_role.h"

#include <string>
#include <utility>

#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/trust/draft.h"
#include "server/app/bin_names.h"
#include "server/app/record_refusal.h"
#include "server/app/supplier_changes.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::app {
namespace {

constexpr std::uint64_t kMostRoleFileBytes = 64 * 1024;

Result<Bytes> signed_by(const model::Targets& content, crypto::Signer& signer) {
  trust::Draft<model::Targets> draft(content);
  TRY(draft.sign(signer));
  return draft.wire();
}

model::SuccinctRoles bins_of(const repository::ReleaseRolePlan& plan) {
  return *repository::role_file(plan, Version(1), {}).delegations->succinct;
}

/// Bins of an earlier run that were published, though nothing may delegate to them yet. Of the file it is
/// believed that it is this plan's: a client believes it by its signature.
Result<void> check_same(const RepositoryWriter& writer, const repository::ReleaseRolePlan& plan,
                        Version version) {
  const Bytes wire = TRY(host::read_file(writer.layout().metadata(plan.name, version), kMostRoleFileBytes));
  const json::Value file = TRY(json::read(wire));
  const json::Value* content = TRY(TRY(json::ObjectView::of(file, "file")).value("signed"));
  const auto there = TRY(model::Targets::decode(*content, model::Profile::Vehicle));
  const model::Targets wanted = repository::role_file(plan, there.version, there.expires);
  if (there.encode() == wanted.encode()) return {};
  return fault(
      Fault::Kind::Conflict,
      "role " + plan.name.value() + " is in the repository already, with other bins or another key",
      "choose another name; more bins for the role that is there: cotter release grow " + plan.name.value());
}

Result<bool> make_bins(RepositoryWriter& writer, const InitRoleRequest& request) {
  const repository::ReleaseRolePlan& plan = request.plan;
  if (const auto listed = writer.published().listed(plan.name)) {
    TRY(check_same(writer, plan, listed->version));
    return false;
  }
  const model::SuccinctRoles bins = bins_of(plan);
  const ReleaseSigners signers = TRY(request.signers());
  if (signers.role->public_key().material() != plan.key.material()) {
    return fault(Fault::Kind::Denied, "the key at hand is not the one that the role is made with");
  }
  const std::uint64_t count = repository::bin_count(bins);
  const UtcTime expires = writer.now() + kBinLifetime;
  const ReleaseNumbers numbers = TRY(writer.begin_release({{plan.name, json::Object{{"bins", count}}}}, {}));
  SignedFiles files(writer.layout(), plan.name, numbers.releases.front());
  const auto role_file = repository::role_file(plan, numbers.releases.front(), expires);
  files.add({plan.name}, TRY(files.write(TRY(signed_by(role_file, *signers.role)))));
  // All say the same: one file under many names, and one signature.
  const Bytes empty = TRY(signed_by(repository::empty_bin(numbers.releases.front(), expires), *signers.role));
  std::vector<RoleName> names;
  for (std::uint64_t number = 0; number < count; ++number) names.push_back(bins.bin(number));
  files.add(names, TRY(files.write(empty)));
  TRY(writer.publish_release(numbers, files.files(), files.batch(), signers.online));
  TRY(writer.read_anew());
  return true;
}

std::string summary_line(const repository::ReleaseRolePlan& plan) {
  std::string paths, hardware;
  for (const std::string& path : plan.paths) paths += (paths.empty() ? "" : ", ") + path;
  for (const HardwareId& id : plan.hardware_ids) hardware += (hardware.empty() ? "" : ", ") + id.value();
  return "delegate " + paths + " for " + (hardware.empty() ? "any hardware" : hardware) + " to role " +
         plan.name.value() + " with key " + plan.key.computed_id().value() + ", in " +
         std::to_string(repository::bin_count(bins_of(plan))) + " bins";
}

Result<InitRoleOutcome> try_to_init(const Workspace& workspace, const InitRoleRequest& request, UtcTime now) {
  TRY(repository::check_plan(request.plan));
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  TRY(check_name_is_free(writer.db(), request.plan.name));
  // Nothing need delegate to it yet: its holders may sign that later.
  if (TRY(storage::SupplierStore(writer.db()).find(request.plan.name)))
    return fault(Fault::Kind::Conflict, "there is a supplier " + request.plan.name.value(),
                 "choose another name");
  {
    auto change = TRY(TargetsChange::begin(workspace, writer, request));
    if (!writer.published().listed(request.plan.name))
      TRY(check_bin_names(writer, change.listed(), request.plan.name, true));
    model::Targets trial = change.listed();
    TRY(repository::add_delegation(trial, request.plan));  // before anything is written
    TRY(change.check(trial));
  }
  InitRoleOutcome outcome;
  outcome.bins = repository::bin_count(bins_of(request.plan));
  outcome.bins_are_new = TRY(make_bins(writer, request));
  auto change = TRY(TargetsChange::begin(workspace, writer, request));
  model::Targets next = change.listed();
  const bool is_new = TRY(repository::add_delegation(next, request.plan));
  const auto line = is_new ? std::optional(summary_line(request.plan)) : std::nullopt;
  static_cast<TargetsOutcome&>(outcome) = TRY(change.finish(std::move(next), line));
  return outcome;
}

}  // namespace

Result<InitRoleOutcome> init_release_role(const Workspace& workspace, const InitRoleRequest& request,
                                          UtcTime now) {
  const Refused what{"image/" + request.plan.name.value(), "new-role"};
  return try_and_tell(workspace, what, now, [&](AskedKeys& keys) {
    InitRoleRequest asking = request;
    asking.online = keys.noting(request.online);
    asking.signers = keys.noting(request.signers);
    return try_to_init(workspace, asking, now);
  });
}

}  // namespace cotter::app
