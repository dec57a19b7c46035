// What a supplier says it will hand in, and what becomes of it: plain values.
// Never names a place on our disk: a file is known by the SHA-256 of its bytes alone. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"

namespace cotter::operations {

inline constexpr std::size_t kMaxSubmissionBytes =
    256 * 1024;  ///< of the list of files, which takes 120 a file, and up to 70 a bin
inline constexpr std::size_t kMaxSubmissionFiles = 1024;
inline constexpr std::size_t kMaxSubmissionBins = 512;  ///< whose files they may be, all together
inline constexpr std::uint64_t kMaxPapersBytes =
    32 * 1024 * 1024;  ///< of all papers: they are judged in memory
/// Of all bins of a supplier together, which one submission has to hold when everything is signed anew: with
/// room for its own file, the bin of no image, and more signatures than there are now.
inline constexpr std::uint64_t kMaxBinsBytes = kMaxPapersBytes - 2 * 1024 * 1024;
inline constexpr std::uint64_t kMaxPaperBytes = 8 * 1024 * 1024;  ///< of metadata, an SBOM or a provenance

enum class FileKind : std::uint8_t { Metadata, Image, Sbom, Provenance };
std::string_view name_of(FileKind kind) noexcept;
std::optional<FileKind> file_kind_named(std::string_view name) noexcept;
/// Whether it is about images: an SBOM, or a statement of provenance.
bool is_about_images(FileKind kind) noexcept;

struct SubmittedFile {
  FileKind kind = FileKind::Image;
  Bytes sha256;
  std::uint64_t length = 0;
  std::vector<RoleName> roles{};  ///< of metadata: the bins whose file it is; none: the supplier's own
};

/// The list of files that opens a submission (schemas/submission.schema.json).
struct Submission {
  std::vector<SubmittedFile> files;

  /// A metadata file, of the supplier's own role or of bins, and any number of others; no hash twice, no role
  /// twice and at most kMaxSubmissionBins of them; lengths of 1 up to 2^53-1, papers up to kMaxPaperBytes,
  /// all of them up to kMaxPapersBytes. Rejections: json-*, member-*, role-name-unsafe, file-too-large.
  static Result<Submission> decode(ByteView bytes);
  [[nodiscard]] Bytes encode() const;
  [[nodiscard]] std::uint64_t total_length() const;
  [[nodiscard]] bool has_bins() const;
  /// Each role with the SHA-256 of its file.
  [[nodiscard]] std::map<RoleName, Bytes> metadata(const RoleName& supplier) const;
  /// Of the one metadata file; with bins over lines_of() of all of them, as the publication has it.
  [[nodiscard]] Bytes metadata_sha256(const RoleName& supplier) const;
  [[nodiscard]] const SubmittedFile* find(ByteView sha256) const;
};

/// "ROLE SHA256\n" of each, by name: what the ledger's hash over many files of one version is over.
std::string lines_of(const std::map<RoleName, Bytes>& files);

enum class SubmissionState : std::uint8_t { Uploading, Waiting, Refused, Accepted, Rejected, Withdrawn };
std::string_view name_of(SubmissionState state) noexcept;
std::optional<SubmissionState> submission_state_named(std::string_view name) noexcept;

/// A submission as it is kept.
struct SubmissionRecord {
  std::string id;  ///< 32 hex digits
  std::string supplier;
  std::string token;  ///< the name of whose
  Submission submission;
  SubmissionState state = SubmissionState::Uploading;
  UtcTime created{};
  UtcTime changed{};
  std::vector<std::string> remarks;    ///< all that is wrong, why a person said no, or who else may sign
  std::vector<std::string> approvals;  ///< who said yes, the first first
};

bool is_submission_id(std::string_view text) noexcept;
std::string new_submission_id();

}  // namespace cotter::operations
