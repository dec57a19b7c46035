// How verbs show submissions, to people and to programs. Never decides anything. One thread.
#pragma once

#include <vector>

#include "common/json/value.h"
#include "server/operations/submission.h"

namespace cotter::cli {

json::Object submission_json(const operations::SubmissionRecord& record);
void print_submissions(const std::vector<operations::SubmissionRecord>& records);

}  // namespace cotter::cli
