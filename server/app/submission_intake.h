// A submission that came whole, and the intake's verdict on it.
// Never a verdict on what is not whole. As Db: one thread at a time.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "common/trust/trusted_set.h"
#include "server/app/intake.h"
#include "server/app/submission_files.h"
#include "server/operations/submission.h"

namespace cotter::app {

/// The verdict on a whole submission, by what `published` and the database say. Faults: NotFound (a file is
/// not whole, or the supplier is none), Conflict (a file was changed here), Busy, Denied, Io. Rejections:
/// those of the supplier's published file.
Result<IntakeVerdict> judge_stored(host::Db& db, const trust::TrustedSet& published,
                                   const std::filesystem::path& repo_dir, const SubmissionFiles& files,
                                   const operations::SubmissionRecord& record, UtcTime now);

/// What its supplier reads: all that is wrong, or else what it changes in who may sign and in what is listed.
std::vector<std::string> remarks_of(const IntakeVerdict& verdict);

/// It waits for people, with what changes in who may sign, or is refused with all that is wrong, and its
/// files go. The ledger tells of it. Faults: Busy, NoSpace, Denied, Io.
Result<void> note_judged(host::Db& db, SubmissionFiles& files, const operations::SubmissionRecord& record,
                         const IntakeVerdict& verdict, UtcTime now);

/// What the ledger says of a submission in any entry: its id, its files' number and hashes, its new images,
/// and of one that is good its papers.
json::Object submission_details(const operations::SubmissionRecord& record, const IntakeVerdict& verdict);

}  // namespace cotter::app
