// The operations API's use cases: who calls, and how a supplier hands something in.
// Never shows one supplier what belongs to another: it is not found. What it refuses the ledger tells of, as
// DoorRefusals does. Safe on any thread: one at a time, behind its own lock, but for identify(), which waits
// for no other; a call may block on the disk.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "server/operations/submission.h"
#include "server/operations/token.h"

namespace cotter::app {

inline constexpr std::uint64_t kMaxUnderWay = 16;  ///< submissions of one supplier
inline constexpr std::uint64_t kKeptEnded = 100;   ///< taken back or refused ones of a supplier: the last
inline constexpr std::uint64_t kMaxPageSubmissions = 50;
inline constexpr std::uint64_t kMaxPageFiles = 4096;         ///< of all on a page, 150 bytes each
inline constexpr std::chrono::days kAbandonedAfter{7};       ///< an upload that nobody goes on with
inline constexpr std::size_t kMaxUploadPiece = 1024 * 1024;  ///< of a file, at a time: in 30 s 35 kB/s

struct UploadState {
  std::uint64_t held = 0;
  std::uint64_t length = 0;
};

struct SubmissionPage {
  std::vector<operations::SubmissionRecord> submissions;
  std::optional<std::string> next{};  ///< what to ask for more by; none: that was the last
};

class OperationsService {
 public:
  /// `clock` must outlive the service. Faults: Denied, Busy, Io.
  static Result<std::unique_ptr<OperationsService>> open(const std::filesystem::path& database,
                                                         const std::filesystem::path& submissions_dir,
                                                         const std::filesystem::path& repo_dir,
                                                         const Clock& clock);
  ~OperationsService();

  /// Whose token that is; nothing when it is nobody's, revoked or expired, of which the ledger tells.
  Result<std::optional<operations::Caller>> identify(ByteView token_hash);
  /// Tells the ledger that its bearer wanted what a token of this role may not do.
  void note_forbidden(const operations::Caller& caller);

  /// Opens a submission, or finds the one under way with the same files. Of those of the supplier that came
  /// to nothing more than kKeptEnded are forgotten; the ledger has what was judged. Rejections: those of
  /// Submission::decode(). Faults: Usage (more than the quota allows, or too many under way), NotFound (the
  /// supplier was removed), Busy, NoSpace, Io.
  Result<operations::SubmissionRecord> open_submission(const operations::Caller& caller, ByteView files);
  /// Fault: NotFound.
  Result<operations::SubmissionRecord> submission(const operations::Caller& caller, const std::string& id);
  /// The newest first, at least one and as many as kMaxPageSubmissions and kMaxPageFiles allow; those behind
  /// an earlier page by its `next`. Fault: Usage (`after` is no page's `next`).
  Result<SubmissionPage> submissions(const operations::Caller& caller, std::optional<std::string_view> after);
  /// Faults: NotFound (no such submission or file), Denied, Io.
  Result<UploadState> upload_state(const operations::Caller& caller, const std::string& id, ByteView sha256);
  /// Faults: as SubmissionFiles::append(); NotFound; Conflict (it is no longer being uploaded).
  Result<UploadState> append(const operations::Caller& caller, const std::string& id, ByteView sha256,
                             std::uint64_t offset, ByteView bytes);
  /// All is here: has it judged. It is Waiting then, or Refused with all that is wrong in its remarks; asked
  /// again, it says so again. Faults: NotFound, Conflict (a file is not whole), those of judge_stored().
  Result<operations::SubmissionRecord> complete(const operations::Caller& caller, const std::string& id);
  /// The supplier takes it back, and its files go. Faults: NotFound, Conflict (it was judged already, or
  /// all who are needed have said yes).
  Result<void> withdraw(const operations::Caller& caller, const std::string& id);

 private:
  struct State;
  explicit OperationsService(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cotter::app
