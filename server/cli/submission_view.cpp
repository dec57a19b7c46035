#include "server/cli/submission_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/base/printable.h"
#include "common/host/output.h"

namespace cotter::cli {
namespace {

using app::SubmittedImage;
using operations::SubmissionState;

constexpr std::size_t kMostInList = 10;  ///< images of a submission among others

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string line_of(const SubmittedImage& image) {
  std::vector<std::string> hardware;
  for (const HardwareId& id : image.hardware_ids) hardware.push_back(id.value());
  return image.name.value() + " for " + joined(hardware) + ", release counter " +
         (image.counter ? std::to_string(image.counter->value()) : "-") + ", version " +
         (image.version.empty() ? "-" : image.version) + ", " + std::to_string(image.length) +
         " bytes, SHA-256 " + image.sha256;
}

/// What is said of it, and its images, `most` of them.
void print_contents(const ShownSubmission& submission, const std::string& prefix, std::size_t most) {
  for (const std::string& remark : submission.record.remarks) fmt::print("{}{}\n", prefix, printable(remark));
  if (!submission.images) {
    fmt::print("{}its images cannot be shown: {}\n", prefix, summary(submission.images.error()));
    return;
  }
  const std::vector<SubmittedImage>& all = *submission.images;
  print_images({all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(most, all.size()))}, prefix);
  if (all.size() > most) {
    fmt::print("{}and {} more images: cotter supplier show {}\n", prefix, all.size() - most,
               submission.record.id);
  }
}

}  // namespace

ShownSubmission shown_submission(const app::SubmissionFiles& files, operations::SubmissionRecord record) {
  Result<std::vector<SubmittedImage>> images = std::vector<SubmittedImage>();
  if (record.state == SubmissionState::Waiting) images = app::submitted_images(files, record);
  return {std::move(record), std::move(images)};
}

json::Array images_json(const std::vector<SubmittedImage>& images) {
  json::Array all;
  for (const SubmittedImage& image : images) {
    json::Array hardware;
    for (const HardwareId& id : image.hardware_ids) hardware.emplace_back(id.value());
    json::Object object{{"name", image.name.value()},
                        {"hardware_ids", std::move(hardware)},
                        {"version", image.version},
                        {"length", image.length},
                        {"sha256", image.sha256}};
    if (image.counter) object.set("release_counter", image.counter->value());
    all.emplace_back(std::move(object));
  }
  return all;
}

json::Object submission_json(const ShownSubmission& submission) {
  const operations::SubmissionRecord& record = submission.record;
  json::Object object{{"id", record.id},
                      {"supplier", record.supplier},
                      {"token", record.token},
                      {"state", name_of(record.state)},
                      {"created", format_utc(record.created)},
                      {"changed", format_utc(record.changed)},
                      {"files", std::uint64_t{record.submission.files.size()}},
                      {"bytes", record.submission.total_length()},
                      {"remarks", json::Array(record.remarks.begin(), record.remarks.end())},
                      {"approvals", json::Array(record.approvals.begin(), record.approvals.end())}};
  if (!submission.images) {
    object.set("images_unreadable", summary(submission.images.error()));
  } else if (record.state == SubmissionState::Waiting) {
    object.set("images", images_json(*submission.images));
  }
  return object;
}

void print_images(const std::vector<SubmittedImage>& images, const std::string& prefix) {
  for (const SubmittedImage& image : images) fmt::print("{}{}\n", prefix, line_of(image));
}

void print_submissions(const std::vector<ShownSubmission>& submissions) {
  if (submissions.empty()) return;
  host::Table table({"SUBMISSION", "SUPPLIER", "STATE", "HANDED IN", "BY", "SIZE", "ACCEPTED BY"});
  for (const auto& [record, images] : submissions) {
    table.add_row({record.id, record.supplier, std::string(name_of(record.state)), format_utc(record.created),
                   record.token, host::human_bytes(record.submission.total_length()),
                   record.approvals.empty() ? "-" : joined(record.approvals)});
  }
  table.print();
  for (const ShownSubmission& each : submissions) {
    if (each.record.state == SubmissionState::Waiting)
      print_contents(each, each.record.id + ": ", kMostInList);
  }
}

void print_submission(const ShownSubmission& submission) {
  const operations::SubmissionRecord& record = submission.record;
  fmt::print("submission {} of {}, {}; handed in by {} on {}, {}\n", record.id, record.supplier,
             name_of(record.state), record.token, format_utc(record.created),
             host::human_bytes(record.submission.total_length()));
  if (!record.approvals.empty()) fmt::print("accepted by {}\n", joined(record.approvals));
  print_contents(submission, "", record.submission.files.size());
}

}  // namespace cotter::cli
