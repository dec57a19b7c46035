#include "server/app/accept_submission.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "server/app/abilities.h"
#include "server/app/kept_papers.h"
#include "server/app/record.h"
#include "server/app/removed_suppliers.h"
#include "server/app/submission_intake.h"
#include "server/app/supplier_changes.h"
#include "server/repository/image_store.h"
#include "server/storage/sqlite/database.h"
#include "server/storage/sqlite/supplier_store.h"
#include "server/storage/sqlite/token_store.h"

namespace cotter::app {
namespace {

using operations::FileKind;
using operations::SubmissionRecord;
using operations::SubmissionState;
using operations::SubmittedFile;

std::string who_is(const JudgeRequest& request) {
  return request.by ? acting_token(request.by->name) : acting_account();
}

Result<SubmissionRecord> find_waiting(host::Db& db, const std::string& id) {
  std::optional<SubmissionRecord> found;
  if (operations::is_submission_id(id)) found = TRY(storage::SupplierStore(db).submission(id));
  if (!found)
    return fault(Fault::Kind::NotFound, "there is no submission " + id, "cotter supplier list shows them");
  if (found->state == SubmissionState::Waiting) return *std::move(found);
  return fault(Fault::Kind::Conflict,
               "submission " + id + " does not wait: it is " + std::string(name_of(found->state)));
}

/// Copies every new image into the repository, on its way to its names.
Result<std::vector<repository::IncomingImage>> add_images(const RepositoryWriter& writer,
                                                          const SubmissionFiles& files,
                                                          const SubmissionRecord& record,
                                                          const IntakeVerdict& verdict,
                                                          repository::Batch& batch) {
  std::vector<repository::IncomingImage> images;
  for (const TargetName& name : verdict.fresh) {
    const model::Target& target = verdict.targets->targets.at(name);
    const SubmittedFile* file = record.submission.find(*target.hashes.find(crypto::HashFunction::Sha256));
    COTTER_ASSERT(file != nullptr);  // the intake looked
    const auto path = TRY(files.whole(record.id, *file));
    images.push_back(
        TRY(repository::take_in(writer.layout().incoming_dir(), path, {}, repository::Durable::Later)));
    const auto& image = images.back();
    if (!target.hashes.agrees_with(image.hashes()) || image.length() != target.length)
      return fault(Fault::Kind::Conflict, "the file of " + name.value() + " changed while it was published");
    batch.add(repository::naming_of(writer.layout(), image, {name}));
  }
  return images;
}

/// At least that of this image, or the one above.
Result<void> raise(ReleaseCounters& counters, const model::Target& image, std::uint64_t above) {
  const auto match = TRY(image.must_match(model::Profile::Vehicle));
  if (!match) return {};
  for (const HardwareId& id : match->hardware_ids) {
    ReleaseCounter& highest = counters[id];
    highest = std::max(highest, ReleaseCounter(match->release_counter.value() + above));
  }
  return {};
}

/// An image that goes may be a bad one: what mends it must not have its counter, or an ECU could be given the
/// bad one again (IMG-9).
Result<ReleaseCounters> counters_in(const IntakeVerdict& verdict) {
  ReleaseCounters counters;
  for (const TargetName& name : verdict.fresh) TRY(raise(counters, verdict.targets->targets.at(name), 0));
  for (const auto& [name, image] : verdict.unlisted) TRY(raise(counters, image, 1));
  return counters;
}

/// Whether people had said yes and a writer that was killed had published it: all its metadata at once.
bool is_published(const RepositoryWriter& writer, const SubmissionRecord& record, std::uint32_t needed) {
  if (record.approvals.size() < needed) return false;
  const auto metadata = record.submission.metadata(RoleName(record.supplier));
  return std::ranges::all_of(metadata, [&](const auto& each) {
    const auto listed = writer.published().listed(each.first);
    const Bytes* sha256 =
        listed && listed->hashes ? listed->hashes->find(crypto::HashFunction::Sha256) : nullptr;
    return sha256 != nullptr && *sha256 == each.second;
  });
}

Result<std::uint32_t> needed_for(storage::SupplierStore& store, const SubmissionRecord& record) {
  const auto supplier = TRY(store.find(RoleName(record.supplier)));
  return supplier ? supplier->policy.people() : 1;
}

class Acceptance {
 public:
  Acceptance(const Workspace& workspace, const AcceptRequest& request, RepositoryWriter& writer,
             SubmissionRecord record)
      : request_(request),
        writer_(writer),
        store_(writer.db()),
        files_(workspace.submissions_dir()),
        papers_(workspace),
        record_(std::move(record)),
        remarks_(record_.remarks) {}

  Result<AcceptOutcome> run() {
    outcome_.needed = TRY(needed_for(store_, record_));
    outcome_.notes = record_.remarks;
    if (is_published(writer_, record_, outcome_.needed)) return close();
    const IntakeVerdict verdict = TRY(judge_stored(writer_.db(), writer_.published(), writer_.layout().dir(),
                                                   files_, record_, writer_.now()));
    if (!verdict.wrong.empty()) {
      outcome_.state = SubmissionState::Refused;
      outcome_.wrong = verdict.wrong;
      TRY(note_judged(writer_.db(), files_, record_, verdict, writer_.now()));
      return outcome_;
    }
    outcome_.notes = verdict.notes;
    outcome_.gone = verdict.gone;
    remarks_ = remarks_of(verdict);
    outcome_.images = app::images_of(record_.submission, *verdict.targets);
    TRY(refuse_unverifiable(writer_.db(), verdict.demands));  // before anybody's yes is written down
    for (const auto& [name, image] : verdict.unlisted) unlisted_[name].push_back(image.hashes);
    const ListedImages dropped = TRY(images_dropped(*verdict.targets));
    outcome_.assigned = TRY(assigned_ecus(writer_.db(), dropped));
    outcome_.stopped = !outcome_.assigned.empty() && !request_.ends_assignments;
    if (outcome_.stopped) return outcome_;
    TRY(papers_.keep(files_, record_));  // before an entry says that somebody accepted them
    TRY(approve(verdict));
    outcome_.approvals = TRY(good_approvals());
    if (outcome_.approvals.size() < outcome_.needed) return outcome_;
    // Asked for first: where there is no key, nothing has ended.
    const OnlineSigners online = TRY(request_.online());
    TRY(end_those_assigned(dropped));
    outcome_.versions = TRY(publish(verdict, online));
    return close();
  }

 private:
  /// Of those who said yes who counts today: not whose token was revoked or has expired since, and where two
  /// people are needed, no account.
  Result<std::vector<std::string>> good_approvals() {
    storage::TokenStore tokens(writer_.db());
    std::vector<std::string> good;
    for (const std::string& who : record_.approvals) {
      const std::string prefix = acting_token("");
      const bool is_token = who.starts_with(prefix);
      std::optional<operations::TokenRecord> token;
      if (is_token) token = TRY(tokens.find(who.substr(prefix.size())));
      if (is_token ? token && token->is_good(writer_.now()) : outcome_.needed == 1) good.push_back(who);
    }
    return good;
  }

  Result<void> approve(const IntakeVerdict& verdict) {
    const std::string who = who_is(request_);
    const auto good = TRY(good_approvals());
    if (good.size() >= outcome_.needed) return {};  // all have; what is left is to publish
    if (outcome_.needed > 1 && !request_.by) {
      return fault(Fault::Kind::Denied, "two people have to accept what " + record_.supplier + " hands in",
                   "each says who he is by his own token: --token-file");
    }
    if (std::ranges::find(record_.approvals, who) != record_.approvals.end()) {
      return fault(Fault::Kind::Denied, who + " has accepted it already", "another person has to");
    }
    auto transaction = TRY(host::Transaction::begin(writer_.db()));
    TRY(find_waiting(writer_.db(), record_.id));  // its supplier may have taken it back
    TRY(store_.approve(record_.id, who, writer_.now()));
    json::Object details = submission_details(record_, verdict);
    details.set("needed", std::uint64_t{outcome_.needed});
    TRY(record(writer_.db(),
               {std::string(ledger::kAcceptance), writer_.now(), who, record_.supplier, std::move(details)}));
    TRY(transaction.commit());
    record_.approvals.push_back(who);
    return {};
  }

  Result<PublishedVersions> publish(const IntakeVerdict& verdict, const OnlineSigners& online) {
    repository::Batch batch(writer_.layout());
    const auto images = TRY(add_images(writer_, files_, record_, verdict, batch));
    const ReleaseCounters counters = TRY(counters_in(verdict));
    if (record_.submission.has_bins()) return publish_bins(verdict, counters, batch, online);
    RepositoryWriter::DelegatedFile file;
    file.role = RoleName(record_.supplier);
    file.version = verdict.targets->version;
    for (const SubmittedFile& each : record_.submission.files) {
      if (each.kind == FileKind::Metadata) file.wire = TRY(files_.paper(record_.id, each));
    }
    file.canonical = verdict.canonical;
    return writer_.publish_delegated(std::move(file), counters, batch, online);
  }

  Result<PublishedVersions> publish_bins(const IntakeVerdict& verdict, const ReleaseCounters& counters,
                                         repository::Batch& batch, const OnlineSigners& online) {
    RepositoryWriter::DelegatedBins bins;
    bins.of = RoleName(record_.supplier);
    bins.version = verdict.targets->version;
    bins.canonical = verdict.canonical;
    for (const SubmittedFile& each : record_.submission.files) {
      if (each.kind != FileKind::Metadata) continue;
      Bytes wire = TRY(files_.paper(record_.id, each));
      bins.files.push_back({each.roles, std::move(wire)});
    }
    return writer_.publish_bins(bins, counters, batch, online);
  }

  /// Those that it listed before, and those of roles that the next file lets sign no more, but for those that
  /// it lists itself (IMG-13).
  Result<ListedImages> images_dropped(const model::Targets& next) {
    std::vector<RoleName> going;
    for (const operations::Supplier& other : TRY(store_.list())) {
      const bool stays = next.delegations && next.delegations->keys_of(other.name) != nullptr;
      if (other.below == RoleName(record_.supplier) && !stays) going.push_back(other.name);
    }
    ListedImages dropped = TRY(images_listed(writer_.layout(), going));
    leave_out(dropped, next);
    for (const auto& [name, contents] : unlisted_)
      dropped[name].insert(dropped[name].end(), contents.begin(), contents.end());
    return dropped;
  }

  /// Before the images go: a vehicle must not be told to look for them.
  Result<void> end_those_assigned(const ListedImages& dropped) {
    auto transaction = TRY(host::Transaction::begin(writer_.db()));
    outcome_.assigned = TRY(assigned_ecus(writer_.db(), dropped));
    TRY(end_assignments(writer_.db(), outcome_.assigned, why_ended(record_.supplier), writer_.now()));
    return transaction.commit();
  }

  Result<AcceptOutcome> close() {
    const model::Targets published = TRY(submitted_targets(files_, record_));
    // Once more, for who was given one while it was being published: from now on nobody is.
    const ListedImages dropped = TRY(images_dropped(published));
    const auto gone = TRY(follow_delegations(writer_.db(), files_, RoleName(record_.supplier), published,
                                             dropped, who_is(request_), writer_.now()));
    if (!gone.empty()) TRY(writer_.clear_let_go());
    TRY(store_.change_state(record_, SubmissionState::Accepted, remarks_, writer_.now()));
    static_cast<void>(files_.remove(record_.id));  // published is published
    outcome_.state = SubmissionState::Accepted;
    if (outcome_.approvals.empty()) outcome_.approvals = record_.approvals;  // a killed writer counted them
    return outcome_;
  }

  const AcceptRequest& request_;
  RepositoryWriter& writer_;
  storage::SupplierStore store_;
  SubmissionFiles files_;
  KeptPapers papers_;
  SubmissionRecord record_;
  std::vector<std::string> remarks_;
  ListedImages unlisted_;  ///< by its own files; a killed writer had ended what was assigned of them
  AcceptOutcome outcome_;
};

}  // namespace

Result<AcceptOutcome> accept_submission(const Workspace& workspace, const AcceptRequest& request,
                                        UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));
  SubmissionRecord record = TRY(find_waiting(writer.db(), request.id));
  return Acceptance(workspace, request, writer, std::move(record)).run();
}

Result<void> reject_submission(const Workspace& workspace, const JudgeRequest& request,
                               const std::string& reason, UtcTime now) {
  RepositoryWriter writer = TRY(RepositoryWriter::open(workspace, now));  // nobody is publishing it now
  host::Db& db = writer.db();
  auto transaction = TRY(host::Transaction::begin(db));
  const SubmissionRecord found = TRY(find_waiting(db, request.id));
  storage::SupplierStore store(db);
  if (is_published(writer, found, TRY(needed_for(store, found))))
    return fault(Fault::Kind::Conflict, "submission " + request.id + " is published already",
                 "cotter supplier accept finishes it");
  TRY(store.change_state(found, SubmissionState::Rejected, {reason}, now));
  json::Object details = submission_details(found, {});
  details.set("reason", reason);
  TRY(record(db, {std::string(ledger::kRefusal), now, who_is(request), found.supplier, std::move(details)}));
  TRY(transaction.commit());
  return SubmissionFiles(workspace.submissions_dir()).remove(request.id);
}

Result<operations::Caller> operator_of(host::Db& db, std::string_view token, UtcTime now) {
  const auto hash = operations::token_hash(token);
  std::optional<operations::TokenRecord> found;
  if (hash) found = TRY(storage::TokenStore(db).find_by_hash(*hash));
  if (found && found->is_good(now) && found->role == operations::TokenRole::Operator)
    return operations::Caller{found->name, found->role, ""};
  return fault(Fault::Kind::Denied, "this is no good token of an operator's", "cotter token list shows them");
}

}  // namespace cotter::app
