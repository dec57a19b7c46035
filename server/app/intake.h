// Judges what a supplier hands in before anybody publishes it (IMG-3, IMG-7), and says all that is wrong at
// once. Never acts on what no threshold signed: past a bad signature it looks on only to report. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/digest.h"
#include "common/model/roles.h"
#include "common/trust/verified.h"
#include "server/app/abilities.h"
#include "server/app/delegation_intake.h"
#include "server/operations/submission.h"
#include "server/operations/supplier.h"

namespace cotter::app {

/// Who lets whom sign.
struct Passing {
  const trust::Verified<model::Targets>* delegator = nullptr;  ///< published; nullptr: not, or not readable
  RoleName role;
};

/// What a submission is judged by.
struct IntakeTerms {
  /// From the targets to the supplier's role; of one below another, from there on to its own.
  std::vector<Passing> way;
  const model::Targets* published = nullptr;  ///< what the supplier's role lists now, if anything
  Version spent{0};  ///< the highest version that was ever published or promised for the role or a bin of it
  const operations::Supplier* supplier = nullptr;
  /// Of the others who share its quota: those below it, or the one above and its others; or its bins.
  PublishedFiles family;
  Neighbours neighbours;                            ///< of one that may delegate
  std::map<HardwareId, ReleaseCounter> counters{};  ///< the highest there is of each hardware
  UtcTime now{};
  std::uint64_t most_bins_bytes = operations::kMaxBinsBytes;  ///< of all bins together
};

/// A file that came whole. Of images the bytes are elsewhere.
struct IntakeFile {
  operations::FileKind kind = operations::FileKind::Image;
  std::uint64_t length = 0;
  crypto::Hashes hashes{};        ///< of its bytes, as we counted them
  Bytes paper{};                  ///< the bytes of all but images
  std::vector<RoleName> roles{};  ///< of metadata: the bins whose file it is; none: the supplier's own
};

/// An SBOM or a statement of provenance that is good.
struct JudgedPaper {
  operations::FileKind kind = operations::FileKind::Sbom;
  Bytes sha256;     ///< of the paper
  TargetName name;  ///< the first of the new images that it is about
};

struct IntakeVerdict {
  std::vector<std::string> wrong;  ///< operations::Remarks; none: it may be published
  /// As far as it could be read; where there are bins, all that was handed in, as one.
  std::optional<model::Targets> targets{};
  /// What its signatures are over, where it may be published; where there are bins, each role with the
  /// SHA-256 of that.
  Bytes canonical{};
  std::vector<TargetName> fresh{};  ///< images that are new, or new under their name
  std::vector<JudgedPaper> papers{};
  std::vector<std::string> notes{};  ///< what changes in who may sign, for who accepts it
  std::vector<std::string> gone{};   ///< operations::Remarks: which images it lists no more, likewise
  std::map<TargetName, model::Target> unlisted{};  ///< those images, all of them
  Demands demands{};                               ///< what vehicles must verify, to follow it
};

/// Looks at the delegation's threshold and keys; version and expiry; each name and hardware id, by every
/// delegation on the way; each release counter, length and hash; what was sent and is not listed; whom it
/// lets sign; SBOMs, provenance and the quota. Of a supplier with hashed bins besides: that its own file
/// delegates to them as they were agreed on, each by the keys of the delegation, and says nothing else; that
/// every bin is there, handed in or published, and signed by those keys; that each image is in its bin; and
/// that with new images all bins together still are what one submission holds.
IntakeVerdict judge_submission(const IntakeTerms& terms, const std::vector<IntakeFile>& files);

}  // namespace cotter::app
