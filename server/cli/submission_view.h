// How verbs show submissions, to people and to programs. Never decides anything. One thread.
#pragma once

#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/json/value.h"
#include "server/app/submitted_images.h"
#include "server/operations/submission.h"

namespace cotter::cli {

/// A submission, and the images of one that waits.
struct ShownSubmission {
  operations::SubmissionRecord record;
  Result<std::vector<app::SubmittedImage>> images;
};
ShownSubmission shown_submission(const app::SubmissionFiles& files, operations::SubmissionRecord record);

json::Array images_json(const std::vector<app::SubmittedImage>& images);
json::Object submission_json(const ShownSubmission& submission);

/// Each in a line, after `prefix`.
void print_images(const std::vector<app::SubmittedImage>& images, const std::string& prefix = {});
/// A table of all; below it of those that wait who else may sign, and their first images.
void print_submissions(const std::vector<ShownSubmission>& submissions);
/// All of one.
void print_submission(const ShownSubmission& submission);

}  // namespace cotter::cli
