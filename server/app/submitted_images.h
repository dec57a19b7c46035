// The images that a submission brings, for people who have to say yes or no to it.
// Never what they may not see: what is the supplier's own text is made printable. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/model/roles.h"
#include "server/app/submission_files.h"
#include "server/operations/submission.h"

namespace cotter::app {

struct SubmittedImage {
  TargetName name;
  std::vector<HardwareId> hardware_ids{};
  std::optional<ReleaseCounter> counter{};  ///< none: it says none, and will be refused
  std::string version{};                    ///< as the supplier calls it, printable; empty where it does not
  std::uint64_t length = 0;
  std::string sha256{};  ///< in hex
};

/// All that `next` lists of what the submission's image files hold: the intake takes no new image without its
/// file.
std::vector<SubmittedImage> images_of(const operations::Submission& submission, const model::Targets& next);

/// What the metadata says that was handed in, whoever signed it; of bins, all of them as one. Faults:
/// NotFound (it is not whole, or it was judged for good and is gone), Conflict (it is no longer what was
/// handed in), Denied, Io. Rejections: those of reading it.
Result<model::Targets> submitted_targets(const SubmissionFiles& files,
                                         const operations::SubmissionRecord& record);
/// images_of() by submitted_targets(), whose errors it has.
Result<std::vector<SubmittedImage>> submitted_images(const SubmissionFiles& files,
                                                     const operations::SubmissionRecord& record);

}  // namespace cotter::app
