// An artifact's life, as the ledger and the files that it vouches for tell it: handed in, signed, published,
// assigned. Never says what neither of them says: each step names the entry that proves it, and a file counts
// once its SHA-256 is the one that the ledger has. Pure but for what it is handed to read by. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "server/app/delegating_files.h"
#include "server/app/listed_papers.h"
#include "server/app/published_files.h"
#include "server/app/release_lines.h"
#include "server/operations/submission.h"

namespace cotter::app {

/// What is asked for: all that a name stood for, or all names of some content.
struct TraceQuery {
  std::optional<TargetName> name{};
  std::string sha256{};            ///< in hex, where there is no name
  std::set<TargetName> guesses{};  ///< names that the content may have; the ledger's own are found besides
};

/// A holder's signature, or what a version was to stand for before anybody signed.
struct SignedStep {
  Step step;
  std::vector<KeyId> keyids{};
};

/// One published file that lists the artifact.
struct Listing {
  Step publication;
  Version root;           ///< the newest that was published then
  Step root_publication;  ///< its publication
  RoleName role;
  Version version;
  std::string file_sha256;
  std::vector<KeyId> keyids;  ///< whose signatures the file has
  std::optional<ReleaseCounter> counter{};
  std::vector<HardwareId> hardware_ids{};
  std::vector<SignedStep> signatures{};        ///< of the targets role's holders, and their drafts
  std::vector<DelegatingFile> delegated_by{};  ///< from the targets on; of the targets themselves none
  /// Of a bin: the role that it belongs to, and the entry that told of its release.
  std::optional<RoleName> release_role{};
  std::optional<Step> release{};
};

/// From the first file that lists it to the last, without a gap.
struct Span {
  Listing first;
  Listing last;
  std::uint64_t versions = 1;      ///< of the file, that list it
  std::optional<Listing> ended{};  ///< the first file that lists it no more

  [[nodiscard]] std::vector<const Listing*> all() const;
};

/// What a supplier handed in, and what was decided on it.
struct Handling {
  Step step;
  std::string supplier;
  std::string submission;
  std::string reason{};  ///< of a refusal
};

/// An SBOM or a statement of provenance that is about the artifact.
struct TracedPaper {
  operations::FileKind kind = operations::FileKind::Sbom;
  std::string sha256;
  std::set<std::uint64_t> entries{};  ///< that have its hash, or that of a list that has it
  bool is_kept = false;               ///< it is from when its submission was accepted
};

struct Assignments {
  std::uint64_t times = 0;
  std::set<std::string> vehicles{};
  std::optional<Step> first{};
  std::optional<Step> last{};
  std::string last_vehicle{};
};

struct Traced {
  TargetName name;
  std::string sha256;
  std::uint64_t length = 0;  ///< 0: nobody said
  std::vector<Handling> handed_in{};
  std::vector<TracedPaper> papers{};
  std::vector<Span> published{};
  Assignments assigned{};
};

struct Trace {
  using Release = std::pair<RoleName, Version>;

  std::vector<Traced> artifacts;  ///< by name, then as they came to be published; none: nobody heard of it
  std::vector<std::string> problems;         ///< files that are not what the ledger says was published
  std::vector<std::string> unread;           ///< files that are gone: what they listed is not known
  std::map<Version, PublishedRoot> roots{};  ///< from the first to the newest that a listing is under
  /// Of the releases that the listings are of, or whose role's own file lets them be signed: the lines over
  /// which the publication has a hash.
  std::map<Release, std::string> release_lines{};
  std::set<std::string> lists{};  ///< SHA-256 of lists of files that name a paper which no entry names
};

struct TraceSources {
  EachEntry each;
  ReadFile file;
  ReadPaper paper;
};

/// Reads each version of the targets and of the suppliers' files once, and of releases those bins that the
/// names fall into. Faults: those of the sources.
Result<Trace> trace(const TraceQuery& query, const TraceSources& sources);

/// The indexes of all entries that it cites, each once.
std::set<std::uint64_t> cited(const Trace& trace);

}  // namespace cotter::app
