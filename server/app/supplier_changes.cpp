#include "server/app/supplier_changes.h"

#include <cstdint>
#include <utility>

#include "server/app/ended_assignments.h"
#include "server/app/record.h"
#include "server/storage/sqlite/supplier_store.h"
#include "server/storage/sqlite/token_store.h"

namespace cotter::app {
namespace {

using operations::SubmissionState;
using operations::Supplier;

Result<void> shut_out_one(host::Db& db, SubmissionFiles& files, const RoleName& name,
                          const std::string& reason, const std::string& who, UtcTime now) {
  storage::SupplierStore store(db);
  TRY(store.note_removed(name, now));
  TRY(storage::TokenStore(db).revoke_of(name.value(), now));
  for (const auto& submission : TRY(store.submissions(name.value(), INT64_MAX))) {
    if (submission.state != SubmissionState::Uploading && submission.state != SubmissionState::Waiting)
      continue;
    TRY(store.change_state(submission, SubmissionState::Rejected, {reason}, now));
    TRY(files.remove(submission.id));
  }
  return record(db, {std::string(ledger::kSupplier), now, who, name.value(),
                     json::Object{{"change", "removed"}, {"reason", reason}}});
}

}  // namespace

Result<void> check_name_is_free(host::Db& db, const RoleName& name) {
  for (const Supplier& there : TRY(storage::SupplierStore(db).list())) {
    if (there.below && there.below != name &&
        (there.name == name || there.name.value().starts_with(name.value() + "-")))
      return fault(Fault::Kind::Conflict,
                   there.name.value() + " is the name of one whom " + there.below->value() + " lets sign",
                   "choose another name");
    // Its file stays in the snapshot, and the ledger tells of it: who is taken in later is another.
    if (there.name == name && there.removed)
      return fault(Fault::Kind::Conflict, "there was a supplier " + name.value() + ", which was removed",
                   "choose another name: what it did stays under that one");
  }
  return {};
}

Result<void> shut_out(host::Db& db, SubmissionFiles& files, const Supplier& supplier,
                      const std::string& reason, const std::string& who, UtcTime now) {
  // Of those that are below it before it is gone itself, for they are gone with it.
  for (const Supplier& other : TRY(storage::SupplierStore(db).list())) {
    if (other.below == supplier.name && !other.removed)
      TRY(shut_out_one(db, files, other.name, reason, who, now));
  }
  if (supplier.removed) return {};
  return shut_out_one(db, files, supplier.name, reason, who, now);
}

std::string why_ended(const std::string& supplier) {
  return supplier + ", and whom it lets sign, list it no more";
}

Result<std::vector<RoleName>> follow_delegations(host::Db& db, SubmissionFiles& files,
                                                 const RoleName& supplier, const model::Targets& published,
                                                 const ListedImages& dropped, const std::string& who,
                                                 UtcTime now) {
  auto transaction = TRY(host::Transaction::begin(db));
  storage::SupplierStore store(db);
  std::vector<RoleName> gone;
  for (const Supplier& other : TRY(store.list())) {
    if (other.below != supplier || other.removed) continue;
    if (published.delegations && published.delegations->keys_of(other.name) != nullptr) continue;
    TRY(shut_out(db, files, other, supplier.value() + " no longer lets " + other.name.value() + " sign", who,
                 now));
    gone.push_back(other.name);
  }
  if (published.delegations) {
    for (const model::DelegatedRole& entry : published.delegations->roles) {
      if (TRY(store.find(entry.name))) continue;
      Supplier below;
      below.name = entry.name;
      below.below = supplier;
      below.added = now;
      TRY(store.put(below));
      TRY(record(db, {std::string(ledger::kSupplier), now, who, entry.name.value(),
                      json::Object{{"change", "added"}, {"below", supplier.value()}}}));
    }
  }
  TRY(end_assignments(db, TRY(assigned_ecus(db, dropped)), why_ended(supplier.value()), now));
  TRY(transaction.commit());
  return gone;
}

}  // namespace cotter::app
