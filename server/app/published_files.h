// What the ledger says was published in the image repository: each root, each version of the targets, of
// delegated files, and of releases into bins.
// Never reads a file of the repository, never judges the ledger. Pure but for what it is handed to read by.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/json/value.h"
#include "common/model/roles.h"
#include "server/ledger/entry.h"

namespace cotter::app {

/// An entry of the ledger that is cited.
struct Step {
  std::uint64_t index = 0;
  std::string kind;
  UtcTime time{};
  std::string who;
};
Step step_of(std::uint64_t index, const ledger::Entry& entry);

using VisitEntry = std::function<void(std::uint64_t index, const ledger::Entry&)>;
/// Visits every entry of the kind, the oldest first; those without `needle` in them may be left out. Faults:
/// Busy, Io.
using EachEntry =
    std::function<Result<void>(std::string_view kind, std::string_view needle, const VisitEntry&)>;

struct PublishedFile {
  Step step;
  Version root;    ///< the newest that was published then
  Step root_step;  ///< its publication
  RoleName role;
  Version version;
  std::string sha256;       ///< of the file; of a release, over a line "ROLE SHA256" of each of its files
  bool is_release = false;  ///< of the bins of `role`
};

struct PublishedRoot {
  Step step;
  std::string sha256;  ///< of the file
};

struct Published {
  std::vector<PublishedFile> files;
  std::map<Version, PublishedRoot> roots;
};

/// In order of their entries. Who was killed before anybody saw the files publishes them again: of each
/// version the last entry counts. Faults: those of `each`.
Result<Published> published_files(const EachEntry& each);

/// A file of targets that the ledger vouches for.
struct VouchedTargets {
  model::Targets targets;
  std::string signed_sha256;    ///< of what the signatures are over, as drafts and signatures are recorded
  std::vector<KeyId> keyids{};  ///< whose signatures it has
};
/// Reads and does not verify: to be called with bytes whose hash the ledger has, or that are played before it
/// gets it. Rejections: json-*,
/// member-*, date-malformed, target-name-unsafe.
Result<VouchedTargets> read_vouched(ByteView wire);

/// A file in a folder of proofs, and the SHA-256 that an entry has of it.
struct NamedHash {
  std::string name;  ///< "2.targets.json", "timestamp.json", "9.fw.release", "director/1.root.json"
  std::string sha256;
};
/// Of all that a publication, of either repository, tells of; of other entries nothing.
std::vector<NamedHash> hashes_told_by(const ledger::Entry& entry);

/// The releases into bins that a publication's entry tells of: its `release`, of several roles a list.
std::vector<const json::Object*> releases_in(const json::Object& publication);

/// Members of an entry: empty, or 0, where they are absent or of another kind.
std::string text_in(const json::Object& object, std::string_view member);
std::uint64_t number_in(const json::Object& object, std::string_view member);
std::vector<KeyId> key_ids_in(const json::Object& object);

}  // namespace cotter::app
