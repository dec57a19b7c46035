#include "server/app/submission_intake.h"

#include <algorithm>

#include "common/json/canonical.h"
#include "server/app/record.h"
#include "server/app/supplier_family.h"
#include "server/repository/file_reader.h"
#include "server/repository/folder_transport.h"
#include "server/repository/publisher.h"
#include "server/storage/sqlite/counter_store.h"
#include "server/storage/sqlite/supplier_store.h"
#include "server/storage/sqlite/version_journal.h"

namespace cotter::app {
namespace {

using operations::FileKind;
using operations::SubmissionRecord;
using operations::SubmissionState;
using operations::SubmittedFile;

const storage::Series kImages{Repository::Image, std::nullopt};
// Bytes in it, of all that a supplier can make long. What is left out is in the metadata, whose SHA-256 the
// entry has, and papers in the list of files, but for remarks.
constexpr std::size_t kRoomForImages = 24 * 1024;
constexpr std::size_t kRoomForDelegations = 16 * 1024;
constexpr std::size_t kRoomForUnlisted = 3 * 1024;
constexpr std::size_t kRoomForRemarks = 16 * 1024;
constexpr std::size_t kRoomForPapers = kRoomForRemarks;  // an entry has the one or the other
static_assert(kRoomForImages + kRoomForDelegations + kRoomForUnlisted + kRoomForRemarks + 4096 <=
              ledger::kMaxEntryBytes);

Result<IntakeFile> load(const SubmissionFiles& files, const std::string& id, const SubmittedFile& listed) {
  IntakeFile file;
  file.kind = listed.kind;
  file.roles = listed.roles;
  if (listed.kind != FileKind::Image) {
    file.paper = TRY(files.paper(id, listed));
    file.length = file.paper.size();
    file.hashes = crypto::Hashes::of(file.paper);
    return file;
  }
  crypto::Hasher sha256(crypto::HashFunction::Sha256), sha512(crypto::HashFunction::Sha512);
  auto reader = TRY(repository::FileReader::open(TRY(files.whole(id, listed))));
  for (ByteView piece = TRY(reader.next()); !piece.empty(); piece = TRY(reader.next())) {
    file.length += piece.size();
    sha256.update(piece);
    sha512.update(piece);
  }
  Bytes digest = sha256.finish();
  if (digest != listed.sha256) return fail(SubmissionFiles::changed(listed));
  file.hashes.set(crypto::HashFunction::Sha256, std::move(digest));
  file.hashes.set(crypto::HashFunction::Sha512, sha512.finish());
  return file;
}

void raise(std::map<HardwareId, ReleaseCounter>& counters, const HardwareId& id,
           const std::optional<ReleaseCounter>& counter) {
  if (!counter) return;
  ReleaseCounter& highest = counters[id];
  highest = std::max(highest, *counter);
}

/// The highest there is of each hardware that the supplier is for.
Result<std::map<HardwareId, ReleaseCounter>> counters_of(host::Db& db, const model::Targets& targets,
                                                         const PublishedFiles& family,
                                                         const RoleName& supplier) {
  std::map<HardwareId, ReleaseCounter> counters;
  if (!targets.delegations) return counters;
  std::vector<const model::Targets*> files{&targets};
  for (const auto& [role, file] : family) files.push_back(&**file);
  for (const model::DelegatedRole& entry : targets.delegations->roles) {
    if (entry.name != supplier) continue;
    for (const HardwareId& id : entry.hardware_ids) {
      raise(counters, id, TRY(storage::CounterStore(db).highest(id)));
      for (const model::Targets* listed : files) {
        const auto reached = TRY(repository::highest_counter(*listed, {id}));
        if (reached) raise(counters, id, reached->counter);
      }
    }
  }
  return counters;
}

/// With the names of suppliers that have published nothing, and of those that are gone.
Result<Neighbours> all_neighbours(host::Db& db, const trust::TrustedSet& published,
                                  trust::Transport& transport, const RoleName& supplier) {
  Neighbours neighbours = neighbours_of(published, transport, supplier);
  for (const operations::Supplier& other : TRY(storage::SupplierStore(db).list())) {
    if (other.name == supplier || (other.below == supplier && !other.removed)) continue;
    neighbours.names.insert(other.name);
  }
  return neighbours;
}

json::Object details_of(const SubmissionRecord& record) {
  json::Object details{{"submission", record.id},
                       {"files", std::uint64_t{record.submission.files.size()}},
                       {"bytes", record.submission.total_length()},
                       {"files_sha256", to_hex(crypto::sha256(record.submission.encode()))}};
  details.set("sha256", to_hex(record.submission.metadata_sha256(RoleName(record.supplier))));
  return details;
}

json::Array fresh_in(const IntakeVerdict& verdict) {
  json::Array images;
  for (const TargetName& name : verdict.fresh) {
    const Bytes* sha256 = verdict.targets->targets.at(name).hashes.find(crypto::HashFunction::Sha256);
    images.emplace_back(
        json::Object{{"name", name.value()}, {"sha256", sha256 == nullptr ? "" : to_hex(*sha256)}});
  }
  return images;
}

json::Array papers_in(const IntakeVerdict& verdict) {
  json::Array papers;
  for (const JudgedPaper& paper : verdict.papers) {
    papers.emplace_back(json::Object{
        {"kind", name_of(paper.kind)}, {"name", paper.name.value()}, {"sha256", to_hex(paper.sha256)}});
  }
  return papers;
}

}  // namespace

json::Object submission_details(const SubmissionRecord& record, const IntakeVerdict& verdict) {
  json::Object details = details_of(record);
  if (!verdict.targets) return details;
  details.set("version", verdict.targets->version.value());
  set_first(details, "images", fresh_in(verdict), kRoomForImages);
  if (verdict.wrong.empty() && !verdict.papers.empty())
    set_first(details, "papers", papers_in(verdict), kRoomForPapers);
  if (!verdict.notes.empty())
    set_first(details, "delegations", json::Array(verdict.notes.begin(), verdict.notes.end()),
              kRoomForDelegations);
  if (!verdict.gone.empty())
    set_first(details, "unlisted", json::Array(verdict.gone.begin(), verdict.gone.end()), kRoomForUnlisted);
  return details;
}

Result<IntakeVerdict> judge_stored(host::Db& db, const trust::TrustedSet& published,
                                   const std::filesystem::path& repo_dir, const SubmissionFiles& files,
                                   const SubmissionRecord& record, UtcTime now) {
  const RoleName role(record.supplier);
  const auto supplier = TRY(storage::SupplierStore(db).find(role));
  if (!supplier || supplier->removed) return fault(Fault::Kind::NotFound, "there is no such supplier");
  repository::FolderTransport transport(repo_dir);
  const RoleName top = supplier->below.value_or(role);
  const SupplierFamily family(published, transport, top);
  const auto* own = family.file_of(role);
  IntakeTerms terms;
  terms.way.push_back({published.targets(), top});
  if (supplier->below) terms.way.push_back({family.file_of(top), role});
  terms.published = own == nullptr ? nullptr : &**own;
  terms.family = family.files();
  terms.family.erase(role);
  if (supplier->policy.may_delegate && !supplier->below)
    terms.neighbours = TRY(all_neighbours(db, published, transport, role));
  storage::VersionJournal journal(db);
  terms.spent = TRY(journal.highest(kImages, role)).value_or(Version(0));
  for (const RoleName& each : supplier->roles()) {
    if (const auto listed = published.listed(each)) terms.spent = std::max(terms.spent, listed->version);
  }
  terms.supplier = &*supplier;
  terms.counters = TRY(counters_of(db, **published.targets(), family.files(), top));
  terms.now = now;
  std::vector<IntakeFile> loaded;
  for (const SubmittedFile& file : record.submission.files)
    loaded.push_back(TRY(load(files, record.id, file)));
  IntakeVerdict verdict = judge_submission(terms, loaded);
  // A writer that was killed had promised this version to these very bytes.
  const bool is_promised = verdict.targets && verdict.targets->version == terms.spent &&
                           TRY(journal.stands_for(kImages, role, terms.spent, verdict.canonical));
  if (!is_promised) return verdict;
  terms.spent = Version(terms.spent.value() - 1);
  return judge_submission(terms, loaded);
}

std::vector<std::string> remarks_of(const IntakeVerdict& verdict) {
  if (!verdict.wrong.empty()) return verdict.wrong;
  std::vector<std::string> remarks = verdict.notes;
  remarks.insert(remarks.end(), verdict.gone.begin(), verdict.gone.end());
  return remarks;
}

Result<void> note_judged(host::Db& db, SubmissionFiles& files, const SubmissionRecord& record,
                         const IntakeVerdict& verdict, UtcTime now) {
  const bool is_good = verdict.wrong.empty();
  const std::vector<std::string> remarks = remarks_of(verdict);
  json::Object details = submission_details(record, verdict);
  if (!is_good) set_first(details, "wrong", json::Array(remarks.begin(), remarks.end()), kRoomForRemarks);
  auto transaction = TRY(host::Transaction::begin(db));
  TRY(storage::SupplierStore(db).change_state(
      record, is_good ? SubmissionState::Waiting : SubmissionState::Refused, remarks, now));
  TRY(app::record(db, {std::string(is_good ? ledger::kUpload : ledger::kRefusal), now,
                       acting_token(record.token), record.supplier, std::move(details)}));
  TRY(transaction.commit());
  return is_good ? Result<void>() : files.remove(record.id);
}

}  // namespace cotter::app
