// Suppliers and what they handed in, in SQLite.
// Never holds a submitted file: those lie in a folder. Belongs to its Db's thread. Every function's Faults:
// those of a read or write (Busy, NoSpace, Denied, Io).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/host/sqlite.h"
#include "server/operations/submission.h"
#include "server/operations/supplier.h"

namespace cotter::storage {

class SupplierStore {
 public:
  explicit SupplierStore(host::Db& db) : db_(&db) {}

  /// Adds it, or changes the policy of one that is there; one below another keeps none of its own.
  Result<void> put(const operations::Supplier& supplier);
  /// Rejections besides: those of a policy that somebody damaged.
  Result<std::optional<operations::Supplier>> find(const RoleName& name);
  Result<std::vector<operations::Supplier>> list();  ///< by name
  Result<void> note_removed(const RoleName& name, UtcTime now);

  // Submissions. Rejections besides: those of a list of files that somebody damaged.
  Result<void> add(const operations::SubmissionRecord& submission);
  Result<std::optional<operations::SubmissionRecord>> submission(const std::string& id);
  /// The supplier's own that lists the same files, and is uploading or waiting.
  Result<std::optional<operations::SubmissionRecord>> under_way(const std::string& supplier,
                                                                const operations::Submission& submission);
  /// Where a submission stands in the list, whether it is still there or not.
  struct Position {
    UtcTime created{};
    std::string id;
  };
  /// Newest first; of one supplier, or of all; behind a position, or from the newest on.
  Result<std::vector<operations::SubmissionRecord>> submissions(const std::optional<std::string>& supplier,
                                                                std::uint64_t limit,
                                                                const std::optional<Position>& after = {});
  /// How many of its own are uploading or waiting, and the bytes that those of all list who share its quota.
  struct UnderWay {
    std::uint64_t count = 0;
    std::uint64_t bytes = 0;
  };
  Result<UnderWay> all_under_way(const operations::Supplier& supplier);
  /// Uploads that nobody went on with since `before`.
  Result<std::vector<std::string>> abandoned(UtcTime before);
  /// Of one that is still in the state that `submission` says. Fault besides: Conflict (it is not: somebody
  /// else was faster).
  Result<void> change_state(const operations::SubmissionRecord& submission, operations::SubmissionState to,
                            const std::vector<std::string>& remarks, UtcTime now);
  /// Forgets those of the supplier that were taken back or refused, but for the last `keep`.
  Result<void> forget_ended(const std::string& supplier, std::uint64_t keep);
  Result<void> touch(const std::string& id, UtcTime now);
  /// Fault besides: Conflict (has said yes already).
  Result<void> approve(const std::string& id, const std::string& who, UtcTime now);

 private:
  Result<operations::SubmissionRecord> read(const host::Statement& row);
  host::Db* db_;
};

}  // namespace cotter::storage
