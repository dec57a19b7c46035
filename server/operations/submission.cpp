#include "server/operations/submission.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <utility>

#include "common/crypto/digest.h"
#include "common/crypto/secret.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"

namespace cotter::operations {
namespace {

constexpr std::string_view kType = "cotter-submission";
constexpr std::size_t kIdBytes = 16;
constexpr FileKind kKinds[] = {FileKind::Metadata, FileKind::Image, FileKind::Sbom, FileKind::Provenance};
constexpr SubmissionState kStates[] = {SubmissionState::Uploading, SubmissionState::Waiting,
                                       SubmissionState::Refused,   SubmissionState::Accepted,
                                       SubmissionState::Rejected,  SubmissionState::Withdrawn};

Result<FileKind> kind_named(std::string_view name) {
  if (const auto kind = file_kind_named(name)) return *kind;
  TRY(refuse(RuleId::MemberWrongKind, "metadata, image, sbom or provenance", std::string(name)));
  return FileKind::Image;
}

/// Of a metadata file that says so: the bins whose file it is.
Result<std::vector<RoleName>> decode_roles(const json::ObjectView& view, FileKind kind) {
  std::vector<RoleName> roles;
  if (view.find("roles") == nullptr) return roles;
  const json::Array* list = TRY(view.array("roles"));
  if (kind != FileKind::Metadata || list->empty() || list->size() > kMaxSubmissionBins) {
    TRY(refuse(RuleId::MemberWrongKind, "roles of metadata alone, 1 to " + std::to_string(kMaxSubmissionBins),
               std::to_string(list->size())));
  }
  for (const json::Value& each : *list) {
    std::string role = TRY(json::string_of(each, "roles[]"));
    if (!model::is_releasable_role_name(role))
      TRY(refuse(RuleId::RoleNameUnsafe, "1 to 64 of A-Z a-z 0-9 . _ -", shown(role)));
    roles.emplace_back(std::move(role));
  }
  return roles;
}

Result<SubmittedFile> decode_file(const json::Value& value) {
  const auto view = TRY(json::ObjectView::of(value, "files[]"));
  SubmittedFile file;
  file.kind = TRY(kind_named(TRY(view.string("kind"))));
  file.sha256 = TRY(view.hex("sha256"));
  file.length = TRY(view.integer("length"));
  if (file.sha256.size() != crypto::digest_size(crypto::HashFunction::Sha256)) {
    TRY(refuse(RuleId::MemberWrongKind, "64 hex digits", std::to_string(2 * file.sha256.size())));
  }
  file.roles = TRY(decode_roles(view, file.kind));
  if (file.length == 0) TRY(refuse(RuleId::MemberWrongKind, "a length of at least 1", "0"));
  if (file.kind != FileKind::Image && file.length > kMaxPaperBytes) {
    TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(kMaxPaperBytes) + " bytes",
               std::to_string(file.length)));
  }
  return file;
}

}  // namespace

std::string_view name_of(FileKind kind) noexcept {
  switch (kind) {
    case FileKind::Metadata:
      return "metadata";
    case FileKind::Image:
      return "image";
    case FileKind::Sbom:
      return "sbom";
    case FileKind::Provenance:
      return "provenance";
  }
  return "?";
}

std::optional<FileKind> file_kind_named(std::string_view name) noexcept {
  for (const FileKind kind : kKinds) {
    if (name == name_of(kind)) return kind;
  }
  return std::nullopt;
}

bool is_about_images(FileKind kind) noexcept {
  return kind == FileKind::Sbom || kind == FileKind::Provenance;
}

std::string_view name_of(SubmissionState state) noexcept {
  switch (state) {
    case SubmissionState::Uploading:
      return "uploading";
    case SubmissionState::Waiting:
      return "waiting";
    case SubmissionState::Refused:
      return "refused";
    case SubmissionState::Accepted:
      return "accepted";
    case SubmissionState::Rejected:
      return "rejected";
    case SubmissionState::Withdrawn:
      return "withdrawn";
  }
  return "?";
}

std::optional<SubmissionState> submission_state_named(std::string_view name) noexcept {
  for (const SubmissionState state : kStates) {
    if (name == name_of(state)) return state;
  }
  return std::nullopt;
}

Result<Submission> Submission::decode(ByteView bytes) {
  if (bytes.size() > kMaxSubmissionBytes) {
    TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(kMaxSubmissionBytes) + " bytes",
               std::to_string(bytes.size())));
  }
  const json::Value value = TRY(json::read(bytes));
  const auto view = TRY(json::ObjectView::of(value, "submission"));
  const std::string type = TRY(view.string("_type"));
  if (type != kType) TRY(refuse(RuleId::MemberWrongKind, std::string(kType), type));
  const json::Array* list = TRY(view.array("files"));
  if (list->size() > kMaxSubmissionFiles) {
    TRY(refuse(RuleId::MemberWrongKind, "at most " + std::to_string(kMaxSubmissionFiles) + " files",
               std::to_string(list->size())));
  }
  Submission submission;
  std::set<Bytes> seen;
  std::set<RoleName> bins;
  std::size_t metadata = 0, own = 0;
  std::uint64_t papers = 0;
  for (const json::Value& each : *list) {
    SubmittedFile file = TRY(decode_file(each));
    if (!seen.insert(file.sha256).second)
      TRY(refuse(RuleId::MemberWrongKind, "each file once", to_hex(file.sha256)));
    if (file.kind == FileKind::Metadata) ++metadata;
    if (file.kind == FileKind::Metadata && file.roles.empty()) ++own;
    for (const RoleName& role : file.roles) {
      if (!bins.insert(role).second) TRY(refuse(RuleId::MemberWrongKind, "each role once", role.value()));
    }
    if (file.kind != FileKind::Image) papers += file.length;
    if (bins.size() > kMaxSubmissionBins) {
      TRY(refuse(RuleId::MemberWrongKind, "at most " + std::to_string(kMaxSubmissionBins) + " bins",
                 std::to_string(bins.size())));
    }
    submission.files.push_back(std::move(file));
  }
  if (papers > kMaxPapersBytes) {
    TRY(refuse(RuleId::FileTooLarge, "at most " + std::to_string(kMaxPapersBytes) + " bytes of papers",
               std::to_string(papers)));
  }
  if (metadata == 0 || own > 1) {
    TRY(refuse(RuleId::MemberWrongKind, "exactly one metadata file, but for those of bins",
               std::to_string(own)));
  }
  return submission;
}

Bytes Submission::encode() const {
  json::Array list;
  for (const SubmittedFile& file : files) {
    json::Object entry{
        {"kind", name_of(file.kind)}, {"sha256", to_hex(file.sha256)}, {"length", file.length}};
    json::Array roles;
    for (const RoleName& role : file.roles) roles.emplace_back(role.value());
    if (!roles.empty()) entry.set("roles", std::move(roles));
    list.emplace_back(std::move(entry));
  }
  return to_bytes(json::to_text(json::Object{{"_type", kType}, {"files", std::move(list)}}));
}

std::uint64_t Submission::total_length() const {
  std::uint64_t total = 0;  // 1024 times 2^53 fit
  for (const SubmittedFile& file : files) total += file.length;
  return total;
}

bool Submission::has_bins() const {
  return std::ranges::any_of(files, [](const SubmittedFile& file) { return !file.roles.empty(); });
}

std::map<RoleName, Bytes> Submission::metadata(const RoleName& supplier) const {
  std::map<RoleName, Bytes> all;
  for (const SubmittedFile& file : files) {
    if (file.kind == FileKind::Metadata && file.roles.empty()) all.emplace(supplier, file.sha256);
    for (const RoleName& role : file.roles) all.emplace(role, file.sha256);
  }
  return all;
}

Bytes Submission::metadata_sha256(const RoleName& supplier) const {
  const auto all = metadata(supplier);
  if (!has_bins()) return all.empty() ? Bytes() : all.begin()->second;
  return crypto::sha256(as_bytes(lines_of(all)));
}

const SubmittedFile* Submission::find(ByteView sha256) const {
  const auto found = std::ranges::find_if(
      files, [&](const SubmittedFile& file) { return std::ranges::equal(file.sha256, sha256); });
  return found == files.end() ? nullptr : &*found;
}

std::string lines_of(const std::map<RoleName, Bytes>& files) {
  std::string lines;
  for (const auto& [role, sha256] : files) lines += role.value() + " " + to_hex(sha256) + "\n";
  return lines;
}

bool is_submission_id(std::string_view text) noexcept {
  return text.size() == 2 * kIdBytes && std::ranges::all_of(text, [](unsigned char c) {
           return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f');
         });
}

std::string new_submission_id() { return to_hex(crypto::Secret::random(kIdBytes).view()); }

}  // namespace cotter::operations
