#include "server/app/submitted_images.h"

#include "common/base/printable.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "server/app/submission_bundle.h"

namespace cotter::app {
namespace {

std::string version_of(const model::Target& target) {
  const json::Value* version = target.custom.find("version");
  if (version == nullptr || version->as_string() == nullptr) return {};
  return printable(shown(*version->as_string()));
}

}  // namespace

std::vector<SubmittedImage> images_of(const operations::Submission& submission, const model::Targets& next) {
  std::vector<SubmittedImage> images;
  for (const auto& [name, target] : next.targets) {
    const Bytes* sha256 = target.hashes.find(crypto::HashFunction::Sha256);
    if (sha256 == nullptr || submission.find(*sha256) == nullptr) continue;
    SubmittedImage image;
    image.name = name;
    image.version = version_of(target);
    image.length = target.length;
    image.sha256 = to_hex(*sha256);
    if (const auto match = target.must_match(model::Profile::Vehicle); match && *match) {
      image.hardware_ids = (*match)->hardware_ids;
      image.counter = (*match)->release_counter;
    }
    images.push_back(std::move(image));
  }
  return images;
}

Result<model::Targets> submitted_targets(const SubmissionFiles& files,
                                         const operations::SubmissionRecord& record) {
  std::optional<model::Targets> all;
  for (const operations::SubmittedFile& file : record.submission.files) {
    if (file.kind != operations::FileKind::Metadata) continue;
    const auto metadata = TRY(json::read(TRY(files.paper(record.id, file))));
    const auto* content = TRY(TRY(json::ObjectView::of(metadata, "file")).value("signed"));
    auto targets = TRY(model::Targets::decode(*content, model::Profile::Vehicle));
    if (all) {
      add_listed(*all, targets);
    } else {
      all = std::move(targets);
    }
  }
  if (all) return *std::move(all);
  return fault(Fault::Kind::NotFound, "the submission has no metadata");
}

Result<std::vector<SubmittedImage>> submitted_images(const SubmissionFiles& files,
                                                     const operations::SubmissionRecord& record) {
  return images_of(record.submission, TRY(submitted_targets(files, record)));
}

}  // namespace cotter::app
