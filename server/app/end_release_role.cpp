#include "server/app/end_release_role.h"

#include <string>
#include <utility>

#include "server/app/record_refusal.h"
#include "server/repository/bins.h"
#include "server/repository/supplier_role.h"
#include "server/storage/sqlite/supplier_store.h"

namespace cotter::app {
namespace {

Result<TargetsOutcome> try_to_end(const Workspace& workspace, const EndRoleRequest& request, UtcTime now) {
  const std::string& name = request.name.value();
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  if (TRY(storage::SupplierStore(writer.db()).find(request.name))) {
    return fault(Fault::Kind::Conflict, name + " is a supplier's role",
                 "cotter supplier remove " + name + " ends it, with its tokens and what waits of it");
  }
  TRY(repository::find_delegation(**writer.published().targets(), request.name));
  auto change = TRY(TargetsChange::begin(workspace, writer, request));
  model::Targets next = change.listed();
  const bool is_new = repository::remove_delegation(next, request.name);
  const auto line = is_new ? std::optional("end release role " + name) : std::nullopt;
  return change.finish(std::move(next), line);
}

}  // namespace

Result<TargetsOutcome> end_release_role(const Workspace& workspace, const EndRoleRequest& request,
                                        UtcTime now) {
  const Refused what{"image/" + request.name.value(), "end-of-role"};
  return try_and_tell(workspace, what, now, [&](AskedKeys& keys) {
    EndRoleRequest asking = request;
    asking.online = keys.noting(request.online);
    return try_to_end(workspace, asking, now);
  });
}

}  // namespace cotter::app
