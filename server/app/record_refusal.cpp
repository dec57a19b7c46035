#include "server/app/record_refusal.h"

#include <utility>

#include "common/base/printable.h"
#include "server/app/record.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/ledger_store.h"

namespace cotter::app {
namespace {

constexpr std::size_t kMostReasonBytes = 4096;

bool is_judgement(const Error& error) {
  return rejection_in(error) != nullptr || is_fault(error, Fault::Kind::Denied) ||
         is_fault(error, Fault::Kind::Conflict);
}

/// Whether the last refusal of this subject said the same of the same wish.
Result<bool> is_repeated(host::Db& db, ledger::Entry entry) {
  storage::LedgerFilter filter;
  filter.kind = ledger::kRefusal;
  filter.subject = entry.subject;
  filter.limit = 1;
  bool same = false;
  TRY(storage::LedgerStore(db).each(filter, [&](const storage::LedgerRow& row) -> Result<void> {
    if (const auto last = ledger::Entry::decode(row.body)) {
      entry.time = last->time;
      same = *last == entry;
    }
    return {};
  }));
  return same;
}

Result<void> try_record(host::Db& db, const ledger::Entry& entry) {
  auto transaction = TRY(host::Transaction::begin(db));
  if (TRY(is_repeated(db, entry))) return {};
  TRY(record(db, entry));
  return transaction.commit();
}

}  // namespace

ledger::Entry refusal_entry(const Refused& what, const Error& why, std::string who, UtcTime now) {
  json::Object details = what.details;
  details.set("document", what.document);
  details.set("reason", printable(summary(why)).substr(0, kMostReasonBytes));
  if (const Rejection* rejection = rejection_in(why)) {
    details.set("rule", rule_of(rejection->rule).name);
    details.set("looks_like", name_of(rejection->looks_like()));
  }
  return {std::string(ledger::kRefusal), now, std::move(who), what.subject, std::move(details)};
}

void record_refusal(host::Db& db, const Refused& what, const Error& why, UtcTime now) {
  if (is_judgement(why)) static_cast<void>(try_record(db, refusal_entry(what, why, acting_account(), now)));
}

void record_refusal(const Workspace& workspace, const Refused& what, const Error& why, UtcTime now) {
  if (!is_judgement(why)) return;
  if (auto db = storage::open_database(workspace.db_path())) record_refusal(*db, what, why, now);
}

}  // namespace cotter::app
