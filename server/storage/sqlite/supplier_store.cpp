#include "server/storage/sqlite/supplier_store.h"

#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "server/storage/sqlite/time_column.h"

namespace cotter::storage {
namespace {

using operations::Submission;
using operations::SubmissionRecord;
using operations::SubmissionState;
using operations::Supplier;

// One below another has the other's policy, and is gone with it.
constexpr const char* kSupplier =
    "SELECT own.name, coalesce(above.policy, own.policy), own.added_at,"
    " coalesce(own.removed_at, above.removed_at), own.below"
    " FROM supplier AS own LEFT JOIN supplier AS above ON above.name = own.below ";
constexpr const char* kSubmission =
    "SELECT id, supplier, token, files, state, created_at, changed_at, remarks FROM submission ";

Result<Supplier> supplier_of(const host::Statement& row) {
  Supplier supplier;
  supplier.name = RoleName(row.text(0));
  const json::Value policy = TRY(json::read(as_bytes(row.text(1))));
  supplier.policy = TRY(operations::SupplierPolicy::decode(policy));
  supplier.added = time_at(row, 2);
  supplier.removed = optional_time_at(row, 3);
  if (!row.is_null(4)) supplier.below = RoleName(row.text(4));
  return supplier;
}

std::string text_of(const Submission& submission) { return std::string(as_text(submission.encode())); }

std::string text_of(const std::vector<std::string>& remarks) {
  return json::to_text(json::Array(remarks.begin(), remarks.end()));
}

}  // namespace

Result<void> SupplierStore::put(const Supplier& supplier) {
  const std::string policy = supplier.below ? "" : json::to_text(supplier.policy.encode());
  std::optional<std::string> below;
  if (supplier.below) below = supplier.below->value();
  return db_->run(
      "INSERT INTO supplier (name, policy, added_at, below) VALUES (?1, ?2, ?3, ?4)"
      " ON CONFLICT (name) DO UPDATE SET policy = ?2",
      {supplier.name.value(), policy, seconds_of(supplier.added), below});
}

Result<std::optional<Supplier>> SupplierStore::find(const RoleName& name) {
  auto row = TRY(db_->query(std::string(kSupplier) + "WHERE own.name = ?1", {name.value()}));
  if (!TRY(row.step())) return std::optional<Supplier>();
  return std::optional(TRY(supplier_of(row)));
}

Result<std::vector<Supplier>> SupplierStore::list() {
  auto row = TRY(db_->query(std::string(kSupplier) + "ORDER BY own.name"));
  std::vector<Supplier> suppliers;
  while (TRY(row.step())) suppliers.push_back(TRY(supplier_of(row)));
  return suppliers;
}

Result<void> SupplierStore::note_removed(const RoleName& name, UtcTime now) {
  return db_->run("UPDATE supplier SET removed_at = ?2 WHERE name = ?1 AND removed_at IS NULL",
                  {name.value(), seconds_of(now)});
}

Result<void> SupplierStore::add(const SubmissionRecord& submission) {
  const std::string files = text_of(submission.submission);
  return db_->run(
      "INSERT INTO submission (id, supplier, token, files, bytes, state, created_at, changed_at)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
      {submission.id, submission.supplier, submission.token, files, submission.submission.total_length(),
       name_of(submission.state), seconds_of(submission.created)});
}

Result<SubmissionRecord> SupplierStore::read(const host::Statement& row) {
  SubmissionRecord record;
  record.id = row.text(0);
  record.supplier = row.text(1);
  record.token = row.text(2);
  record.submission = TRY(Submission::decode(as_bytes(row.text(3))));
  record.state = operations::submission_state_named(row.text(4)).value_or(SubmissionState::Refused);
  record.created = time_at(row, 5);
  record.changed = time_at(row, 6);
  const json::Value remarks = TRY(json::read(as_bytes(row.text(7))));
  if (const json::Array* list = remarks.as_array()) {
    for (const json::Value& each : *list) record.remarks.push_back(TRY(json::string_of(each, "remarks[]")));
  }
  auto approvals = TRY(
      db_->query("SELECT who FROM submission_approval WHERE submission = ?1 ORDER BY position", {record.id}));
  while (TRY(approvals.step())) record.approvals.push_back(approvals.text(0));
  return record;
}

Result<std::optional<SubmissionRecord>> SupplierStore::submission(const std::string& id) {
  auto row = TRY(db_->query(std::string(kSubmission) + "WHERE id = ?1", {id}));
  if (!TRY(row.step())) return std::optional<SubmissionRecord>();
  return std::optional(TRY(read(row)));
}

Result<std::optional<SubmissionRecord>> SupplierStore::under_way(const std::string& supplier,
                                                                 const Submission& submission) {
  const std::string files = text_of(submission);
  auto row = TRY(db_->query(
      std::string(kSubmission) + "WHERE supplier = ?1 AND files = ?2 AND state IN ('uploading', 'waiting')",
      {supplier, files}));
  if (!TRY(row.step())) return std::optional<SubmissionRecord>();
  return std::optional(TRY(read(row)));
}

Result<std::vector<SubmissionRecord>> SupplierStore::submissions(const std::optional<std::string>& supplier,
                                                                 std::uint64_t limit,
                                                                 const std::optional<Position>& after) {
  std::optional<std::int64_t> created;
  if (after) created = seconds_of(after->created);
  const std::string id = after ? after->id : "";
  auto row = TRY(db_->query(std::string(kSubmission) +
                                "WHERE (?1 IS NULL OR supplier = ?1)"
                                " AND (?3 IS NULL OR created_at < ?3 OR (created_at = ?3 AND id > ?4))"
                                " ORDER BY created_at DESC, id LIMIT ?2",
                            {supplier, limit, created, id}));
  std::vector<SubmissionRecord> found;
  while (TRY(row.step())) found.push_back(TRY(read(row)));
  return found;
}

Result<SupplierStore::UnderWay> SupplierStore::all_under_way(const operations::Supplier& supplier) {
  const std::string family = supplier.below.value_or(supplier.name).value();
  auto row =
      TRY(db_->query("SELECT coalesce(sum(supplier = ?1), 0), coalesce(sum(bytes), 0) FROM submission"
                     " WHERE supplier IN (SELECT name FROM supplier WHERE name = ?2 OR below = ?2)"
                     " AND state IN ('uploading', 'waiting')",
                     {supplier.name.value(), family}));
  TRY(row.step());
  return UnderWay{row.count(0), row.count(1)};
}

Result<std::vector<std::string>> SupplierStore::abandoned(UtcTime before) {
  auto row = TRY(db_->query("SELECT id FROM submission WHERE state = 'uploading' AND changed_at < ?1",
                            {seconds_of(before)}));
  std::vector<std::string> ids;
  while (TRY(row.step())) ids.push_back(row.text(0));
  return ids;
}

Result<void> SupplierStore::change_state(const SubmissionRecord& submission, SubmissionState to,
                                         const std::vector<std::string>& remarks, UtcTime now) {
  const std::string text = text_of(remarks);
  TRY(db_->run("UPDATE submission SET state = ?2, remarks = ?3, changed_at = ?4 WHERE id = ?1 AND state = ?5",
               {submission.id, name_of(to), text, seconds_of(now), name_of(submission.state)}));
  if (db_->changes() == 1) return {};
  return fault(Fault::Kind::Conflict,
               "submission " + submission.id + " is no longer " + std::string(name_of(submission.state)),
               "look at it anew");
}

Result<void> SupplierStore::forget_ended(const std::string& supplier, std::uint64_t keep) {
  static constexpr std::string_view kEnded =
      "(SELECT id FROM submission WHERE supplier = ?1 AND state IN ('withdrawn', 'refused')"
      " ORDER BY changed_at DESC, id LIMIT -1 OFFSET ?2)";
  TRY(db_->run("DELETE FROM submission_approval WHERE submission IN " + std::string(kEnded),
               {supplier, keep}));
  return db_->run("DELETE FROM submission WHERE id IN " + std::string(kEnded), {supplier, keep});
}

Result<void> SupplierStore::touch(const std::string& id, UtcTime now) {
  return db_->run("UPDATE submission SET changed_at = ?2 WHERE id = ?1", {id, seconds_of(now)});
}

Result<void> SupplierStore::approve(const std::string& id, const std::string& who, UtcTime now) {
  return db_->run(
      "INSERT INTO submission_approval (submission, position, who, made_at)"
      " SELECT ?1, count(*), ?2, ?3 FROM submission_approval WHERE submission = ?1",
      {id, who, seconds_of(now)});
}

}  // namespace cotter::storage
