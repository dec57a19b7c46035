#include "server/app/listed_papers.h"

#include <algorithm>

#include "common/crypto/digest.h"
#include "server/app/published_files.h"

namespace cotter::app {
namespace {

void add_named(const json::Array& list, std::vector<ListedPaper>& papers) {
  for (const json::Value& each : list) {
    const json::Object* paper = each.as_object();
    const auto kind = paper == nullptr ? std::nullopt : operations::file_kind_named(text_in(*paper, "kind"));
    if (kind && is_about_images(*kind))
      papers.push_back({*kind, text_in(*paper, "sha256"), text_in(*paper, "name")});
  }
}

void add_of_list(ByteView list, std::vector<ListedPaper>& papers) {
  const auto submission = operations::Submission::decode(list);
  if (!submission) return;
  for (const operations::SubmittedFile& file : submission->files) {
    const std::string sha256 = to_hex(file.sha256);
    const bool is_named = std::ranges::find(papers, sha256, &ListedPaper::sha256) != papers.end();
    if (is_about_images(file.kind) && !is_named) papers.push_back({file.kind, sha256, {}});
  }
}

}  // namespace

Result<std::vector<ListedPaper>> listed_papers(const json::Object& details, const ReadPaper& read) {
  std::vector<ListedPaper> papers;
  const json::Value* named = details.find("papers");
  if (named == nullptr || named->as_array() == nullptr) return papers;
  add_named(*named->as_array(), papers);
  if (number_in(details, "papers_left_out") == 0) return papers;
  const std::string sha256 = text_in(details, "files_sha256");
  const auto list = TRY(read(sha256));
  if (list && to_hex(crypto::sha256(*list)) == sha256) add_of_list(*list, papers);
  return papers;
}

}  // namespace cotter::app
