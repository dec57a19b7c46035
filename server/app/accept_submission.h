// People's word on a submission that waits: yes, and the last yes that is needed publishes it; or no.
// Never published on an old judgement: it is judged again under the writer's lock. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/host/sqlite.h"
#include "server/app/ended_assignments.h"
#include "server/app/repository_writer.h"
#include "server/app/submitted_images.h"
#include "server/app/workspace.h"
#include "server/operations/submission.h"
#include "server/operations/token.h"

namespace cotter::app {

struct JudgeRequest {
  std::string id;
  std::optional<operations::Caller> by{};  ///< whose token was shown; none: the account that this runs as
};

struct AcceptRequest : JudgeRequest {
  std::function<Result<OnlineSigners>()> online{};  ///< asked for once enough people have said yes
  bool ends_assignments = false;                    ///< of images that are listed no more
};

struct AcceptOutcome {
  operations::SubmissionState state = operations::SubmissionState::Waiting;
  std::vector<std::string> approvals{};  ///< those that count: by tokens that are good still
  std::uint32_t needed = 1;
  std::vector<std::string> wrong{};      ///< Refused
  std::vector<std::string> notes{};      ///< what changes in who may sign
  std::vector<std::string> gone{};       ///< which images are listed no more
  std::vector<SubmittedImage> images{};  ///< what was said yes to; none where it was published before
  PublishedVersions versions{};          ///< Accepted
  bool stopped = false;  ///< it waits on as it did: `assigned` are to run images that would go
  std::vector<EndedAssignment> assigned{};  ///< of images that are listed no more; Accepted: ended
};

/// Says yes. Killed in between, whoever says yes again finishes it. Faults: NotFound, Conflict (it does not
/// wait, or a file of it was changed here), Denied (two people are needed, and this is the same one, or
/// showed no token), those of RepositoryWriter. Rejections: those of a client.
Result<AcceptOutcome> accept_submission(const Workspace& workspace, const AcceptRequest& request,
                                        UtcTime now);

/// Says no. Faults: NotFound, Conflict (it does not wait, or is published already), those of
/// RepositoryWriter::open(). Rejections: those of a client.
Result<void> reject_submission(const Workspace& workspace, const JudgeRequest& request,
                               const std::string& reason, UtcTime now);

/// Which operator's token this text is. Faults: Denied (nobody's, good no more, or a supplier's), Busy, Io.
Result<operations::Caller> operator_of(host::Db& db, std::string_view token, UtcTime now);

}  // namespace cotter::app
