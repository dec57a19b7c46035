#include "server/cli/submission_view.h"

#include <fmt/format.h>

#include "common/host/output.h"

namespace cotter::cli {

json::Object submission_json(const operations::SubmissionRecord& record) {
  return {{"id", record.id},
          {"supplier", record.supplier},
          {"token", record.token},
          {"state", name_of(record.state)},
          {"created", format_utc(record.created)},
          {"changed", format_utc(record.changed)},
          {"files", std::uint64_t{record.submission.files.size()}},
          {"bytes", record.submission.total_length()},
          {"remarks", json::Array(record.remarks.begin(), record.remarks.end())},
          {"approvals", json::Array(record.approvals.begin(), record.approvals.end())}};
}

void print_submissions(const std::vector<operations::SubmissionRecord>& records) {
  if (records.empty()) return;
  host::Table table({"SUBMISSION", "SUPPLIER", "STATE", "HANDED IN", "BY", "SIZE", "ACCEPTED BY"});
  for (const operations::SubmissionRecord& record : records) {
    std::string approvals;
    for (const std::string& who : record.approvals) approvals += (approvals.empty() ? "" : ", ") + who;
    table.add_row({record.id, record.supplier, std::string(name_of(record.state)), format_utc(record.created),
                   record.token, host::human_bytes(record.submission.total_length()),
                   approvals.empty() ? "-" : approvals});
  }
  table.print();
  for (const operations::SubmissionRecord& record : records) {
    if (record.state != operations::SubmissionState::Waiting) continue;
    for (const std::string& remark : record.remarks) fmt::print("{}: {}\n", record.id, remark);
  }
}

}  // namespace cotter::cli
