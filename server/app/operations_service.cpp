#include "server/app/operations_service.h"

#include <charconv>
#include <mutex>

#include "server/app/door_refusals.h"
#include "server/app/record.h"
#include "server/app/submission_files.h"
#include "server/app/submission_intake.h"
#include "server/repository/reader.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/supplier_store.h"
#include "server/storage/sqlite/token_store.h"

namespace cotter::app {
namespace {

using operations::Caller;
using operations::SubmissionRecord;
using operations::SubmissionState;
using operations::SubmittedFile;
using operations::TokenRole;

constexpr std::chrono::hours kNoteEvery{1};  // that an upload goes on: each piece would cost a sync more

using Position = storage::SupplierStore::Position;

/// As "1795780800-ID": it holds when the submission is forgotten meanwhile.
std::string text_of(const SubmissionRecord& record) {
  return std::to_string(record.created.time_since_epoch().count()) + '-' + record.id;
}

Result<Position> position_in(std::string_view text) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const std::string_view rest(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (error == std::errc() && rest.starts_with('-') && operations::is_submission_id(rest.substr(1)))
    return Position{UtcTime(std::chrono::seconds(seconds)), std::string(rest.substr(1))};
  return fault(Fault::Kind::Usage, "after is not what a page said was next", "begin without it");
}

constexpr const char* kNobody =
    "operations API";  // the subject where no token is known; no token is named so

Error no_such_submission() { return Fault{Fault::Kind::NotFound, "there is no such submission", ""}; }

}  // namespace

struct OperationsService::State {
  State(const std::filesystem::path& dir, std::filesystem::path repo, const Clock& c, host::Db opened,
        host::Db for_tokens)
      : clock(c),
        repo_dir(std::move(repo)),
        db(std::move(opened)),
        files(dir),
        tokens(std::move(for_tokens)) {}

  Result<SubmissionRecord> find(const Caller& caller, const std::string& id);
  Result<std::pair<SubmissionRecord, SubmittedFile>> find_file(const Caller& caller, const std::string& id,
                                                               ByteView sha256);
  Result<void> check_quota(const operations::Supplier& supplier, const operations::Submission& submission);
  Result<void> forget_abandoned();
  Result<SubmissionRecord> open(const Caller& caller, Result<operations::Submission> decoded);
  Result<UploadState> append(const SubmissionRecord& record, const SubmittedFile& file, std::uint64_t offset,
                             ByteView bytes);
  Result<void> expect_whole(const SubmissionRecord& record);
  Result<void> withdraw(const Caller& caller, const std::string& id);
  /// The ledger tells of what was the caller's fault; not of what is not found, nor of what the world failed
  /// at.
  template <class T>
  Result<T> told(const Caller& caller, const char* document, Result<T> done) {
    const bool is_refused =
        !done && (rejection_in(done.error()) != nullptr || is_fault(done.error(), Fault::Kind::Usage) ||
                  is_fault(done.error(), Fault::Kind::Conflict));
    if (is_refused)
      refusals.tell(db, acting_token(caller.name), {caller.name, document}, done.error(), clock.now());
    return done;
  }
  void refuse_token(const std::optional<operations::TokenRecord>& token, UtcTime now);

  const Clock& clock;
  const std::filesystem::path repo_dir;
  std::mutex one_at_a_time;  ///< guards the next three: one connection, one thread in it
  host::Db db;
  SubmissionFiles files;
  DoorRefusals refusals;
  std::mutex at_the_door;  ///< guards the next two: who calls is found out while a submission is judged
  host::Db tokens;
  DoorRefusals refused_tokens;
};

OperationsService::OperationsService(std::unique_ptr<State> state) : state_(std::move(state)) {}
OperationsService::~OperationsService() = default;

Result<std::unique_ptr<OperationsService>> OperationsService::open(
    const std::filesystem::path& database, const std::filesystem::path& submissions_dir,
    const std::filesystem::path& repo_dir, const Clock& clock) {
  host::Db db = TRY(storage::open_database(database));
  host::Db tokens = TRY(storage::open_database(database));
  auto state = std::make_unique<State>(submissions_dir, repo_dir, clock, std::move(db), std::move(tokens));
  return std::unique_ptr<OperationsService>(new OperationsService(std::move(state)));
}

Result<std::optional<Caller>> OperationsService::identify(ByteView token_hash) {
  const std::lock_guard lock(state_->at_the_door);
  const auto token = TRY(storage::TokenStore(state_->tokens).find_by_hash(token_hash));
  const UtcTime now = state_->clock.now();
  if (token && token->is_good(now))
    return std::optional(Caller{token->name, token->role, token->supplier.value_or("")});
  state_->refuse_token(token, now);
  return std::optional<Caller>();
}

void OperationsService::State::refuse_token(const std::optional<operations::TokenRecord>& token,
                                            UtcTime now) {
  const char* why = "nobody was given this token";
  if (token) why = token->revoked ? "the token was revoked" : "the token has expired";
  refused_tokens.tell(tokens, token ? acting_token(token->name) : "unknown",
                      {token ? token->name : kNobody, "token"}, Fault{Fault::Kind::Denied, why, ""}, now);
}

void OperationsService::note_forbidden(const Caller& caller) {
  const std::lock_guard lock(state_->at_the_door);
  const std::string why = "a token of role " + std::string(name_of(caller.role)) + " may not do this";
  state_->refused_tokens.tell(state_->tokens, acting_token(caller.name), {caller.name, "permission"},
                              Fault{Fault::Kind::Denied, why, ""}, state_->clock.now());
}

/// What belongs to another supplier is not found.
Result<SubmissionRecord> OperationsService::State::find(const Caller& caller, const std::string& id) {
  if (!operations::is_submission_id(id)) return fail(no_such_submission());
  auto found = TRY(storage::SupplierStore(db).submission(id));
  if (!found) return fail(no_such_submission());
  if (caller.role == TokenRole::Supplier && found->supplier != caller.supplier)
    return fail(no_such_submission());
  return *std::move(found);
}

Result<std::pair<SubmissionRecord, SubmittedFile>> OperationsService::State::find_file(const Caller& caller,
                                                                                       const std::string& id,
                                                                                       ByteView sha256) {
  SubmissionRecord record = TRY(find(caller, id));
  const SubmittedFile* file = record.submission.find(sha256);
  if (file == nullptr) return fault(Fault::Kind::NotFound, "the submission lists no such file");
  SubmittedFile copy = *file;
  return std::pair(std::move(record), std::move(copy));
}

Result<void> OperationsService::State::check_quota(const operations::Supplier& supplier,
                                                   const operations::Submission& submission) {
  const auto under_way = TRY(storage::SupplierStore(db).all_under_way(supplier));
  if (under_way.count >= kMaxUnderWay) {
    return fault(Fault::Kind::Usage, std::to_string(under_way.count) + " submissions are under way already");
  }
  const std::uint64_t quota = supplier.policy.quota_bytes;
  const std::uint64_t wanted = submission.total_length();
  if (under_way.bytes <= quota && wanted <= quota - under_way.bytes) return {};
  return fault(Fault::Kind::Usage, "the quota of " + std::to_string(quota) + " bytes has no room for " +
                                       std::to_string(wanted) + " more: " + std::to_string(under_way.bytes) +
                                       " are under way");
}

Result<void> OperationsService::State::forget_abandoned() {
  storage::SupplierStore store(db);
  const UtcTime now = clock.now();
  for (const std::string& id : TRY(store.abandoned(now - kAbandonedAfter))) {
    const auto abandoned = TRY(store.submission(id));
    if (!abandoned) continue;
    TRY(files.remove(id));
    TRY(store.change_state(*abandoned, SubmissionState::Withdrawn, {"nobody went on with the upload"}, now));
  }
  return {};
}

Result<SubmissionRecord> OperationsService::open_submission(const Caller& caller, ByteView files) {
  auto submission = operations::Submission::decode(files);
  const std::lock_guard lock(state_->one_at_a_time);
  return state_->told(caller, "submission", state_->open(caller, std::move(submission)));
}

Result<SubmissionRecord> OperationsService::State::open(const Caller& caller,
                                                        Result<operations::Submission> decoded) {
  auto submission = TRY(std::move(decoded));
  TRY(forget_abandoned());
  auto transaction = TRY(host::Transaction::begin(db));
  storage::SupplierStore store(db);
  const auto supplier = TRY(store.find(RoleName(caller.supplier)));
  if (!supplier || supplier->removed) return fault(Fault::Kind::NotFound, "there is no such supplier");
  if (auto same = TRY(store.under_way(caller.supplier, submission))) return *std::move(same);
  TRY(check_quota(*supplier, submission));
  SubmissionRecord record;
  record.id = operations::new_submission_id();
  record.supplier = caller.supplier;
  record.token = caller.name;
  record.submission = std::move(submission);
  record.created = record.changed = clock.now();
  TRY(store.forget_ended(caller.supplier, kKeptEnded));
  TRY(store.add(record));
  TRY(transaction.commit());
  return record;
}

Result<SubmissionRecord> OperationsService::submission(const Caller& caller, const std::string& id) {
  const std::lock_guard lock(state_->one_at_a_time);
  return state_->find(caller, id);
}

Result<SubmissionPage> OperationsService::submissions(const Caller& caller,
                                                      std::optional<std::string_view> after) {
  std::optional<Position> from;
  if (after) from = TRY(position_in(*after));
  const std::lock_guard lock(state_->one_at_a_time);
  const auto whose = caller.role == TokenRole::Supplier ? std::optional(caller.supplier) : std::nullopt;
  SubmissionPage page;
  auto& found = page.submissions;
  found = TRY(storage::SupplierStore(state_->db).submissions(whose, kMaxPageSubmissions + 1, from));
  std::size_t fit = 0;
  std::size_t files = 0;
  for (; fit < found.size() && fit < kMaxPageSubmissions; ++fit) {
    files += found[fit].submission.files.size();
    if (fit > 0 && files > kMaxPageFiles) break;
  }
  if (fit == found.size()) return page;
  found.erase(found.begin() + static_cast<std::ptrdiff_t>(fit), found.end());
  page.next = text_of(found.back());
  return page;
}

Result<UploadState> OperationsService::upload_state(const Caller& caller, const std::string& id,
                                                    ByteView sha256) {
  const std::lock_guard lock(state_->one_at_a_time);
  const auto [record, file] = TRY(state_->find_file(caller, id, sha256));
  if (record.state != SubmissionState::Uploading) return UploadState{file.length, file.length};
  const std::uint64_t held = TRY(state_->files.held(id, file));
  return UploadState{held, file.length};
}

Result<UploadState> OperationsService::append(const Caller& caller, const std::string& id, ByteView sha256,
                                              std::uint64_t offset, ByteView bytes) {
  const std::lock_guard lock(state_->one_at_a_time);
  const auto found = TRY(state_->find_file(caller, id, sha256));
  const auto& [record, file] = found;
  // Who was cut off asks where the file ends, and goes on there: that is no refusal.
  const bool is_cut_off =
      record.state == SubmissionState::Uploading && TRY(state_->files.held(id, file)) != offset;
  auto done = state_->append(record, file, offset, bytes);
  if (is_cut_off) return done;
  return state_->told(caller, "upload", std::move(done));
}

Result<UploadState> OperationsService::State::append(const SubmissionRecord& record,
                                                     const SubmittedFile& file, std::uint64_t offset,
                                                     ByteView bytes) {
  if (record.state != SubmissionState::Uploading) {
    return fault(Fault::Kind::Conflict, "the submission is " + std::string(name_of(record.state)));
  }
  const std::uint64_t held = TRY(files.append(record.id, file, offset, bytes));
  const UtcTime now = clock.now();
  if (now - record.changed >= kNoteEvery) TRY(storage::SupplierStore(db).touch(record.id, now));
  return UploadState{held, file.length};
}

Result<void> OperationsService::State::expect_whole(const SubmissionRecord& record) {
  for (const SubmittedFile& file : record.submission.files) {
    if (TRY(files.held(record.id, file)) < file.length) {
      return fault(Fault::Kind::Conflict, "file " + to_hex(file.sha256) + " is not whole yet",
                   "send the rest");
    }
  }
  return {};
}

Result<SubmissionRecord> OperationsService::complete(const Caller& caller, const std::string& id) {
  const std::lock_guard lock(state_->one_at_a_time);
  const SubmissionRecord record = TRY(state_->find(caller, id));
  if (record.state != SubmissionState::Uploading) return record;
  TRY(state_->told(caller, "completion", state_->expect_whole(record)));
  const auto published = TRY(repository::read_as_client(state_->repo_dir, repository::kBeforeAnyExpiry));
  const UtcTime now = state_->clock.now();
  const IntakeVerdict verdict =
      TRY(judge_stored(state_->db, published, state_->repo_dir, state_->files, record, now));
  TRY(note_judged(state_->db, state_->files, record, verdict, now));
  return state_->find(caller, id);
}

Result<void> OperationsService::withdraw(const Caller& caller, const std::string& id) {
  const std::lock_guard lock(state_->one_at_a_time);
  return state_->told(caller, "withdrawal", state_->withdraw(caller, id));
}

Result<void> OperationsService::State::withdraw(const Caller& caller, const std::string& id) {
  auto transaction = TRY(host::Transaction::begin(db));  // whoever accepts is another program
  const SubmissionRecord record = TRY(find(caller, id));
  if (record.state != SubmissionState::Uploading && record.state != SubmissionState::Waiting) {
    return fault(Fault::Kind::Conflict, "the submission is " + std::string(name_of(record.state)));
  }
  storage::SupplierStore store(db);
  const auto supplier = TRY(store.find(RoleName(record.supplier)));
  if (supplier && record.approvals.size() >= supplier->policy.people())
    return fault(Fault::Kind::Conflict, "the submission was accepted, and is published or about to be",
                 "hand in a next version without what was wrong");
  const UtcTime now = clock.now();
  TRY(store.change_state(record, SubmissionState::Withdrawn, {"taken back by " + caller.name}, now));
  // Of one that never was whole the ledger knows nothing.
  if (record.state == SubmissionState::Waiting) {
    TRY(app::record(db, {std::string(ledger::kWithdrawal), now, acting_token(caller.name), record.supplier,
                         submission_details(record, {})}));
  }
  TRY(transaction.commit());
  return files.remove(id);
}

}  // namespace cotter::app
