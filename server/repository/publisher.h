// What the next metadata say: old metadata and a change make new metadata.
// Never signs, never does I/O, never lowers a release counter. Pure.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/digest.h"
#include "common/model/roles.h"

namespace cotter::repository {

/// An image to be published.
struct Release {
  TargetName name;
  std::vector<HardwareId> hardware_ids;
  std::string version;                    ///< as people call it: "3.1.0"
  std::optional<ReleaseCounter> counter;  ///< none: decided here
  std::uint64_t length = 0;
  crypto::Hashes hashes;
};

/// The name is safe (FMT-52); there is a hardware id, each an identifier (GAP-31); the version is 1 to 128
/// printable ASCII characters. Fault: Usage.
Result<void> check_release(const Release& release);

/// The targets file with the release in it, and under which counter.
struct Change {
  model::Targets targets;
  ReleaseCounter counter;
  bool changed = false;   ///< false: it was listed so already
  bool replaced = false;  ///< the name stood for another build before
};

/// The highest release counter of some hardware, and which image has it.
struct Reached {
  ReleaseCounter counter;
  HardwareId hardware;
  std::string by;  ///< in words
};

/// What becomes of a release where `listed` is what is listed, without doing it.
struct Judgement {
  ReleaseCounter counter;
  bool changed = false;   ///< false: it is listed so already
  bool replaced = false;  ///< the name stands for another build now
};
/// As with_release(). Fault: Denied.
Result<Judgement> judge_release(const model::Targets& listed, const Release& release,
                                const std::optional<Reached>& elsewhere);
/// How the release is listed, under this counter.
model::Target target_of(const Release& release, ReleaseCounter counter);

/// `listed` with the release: version and expiry are still those of `listed`. The counter is the one given
/// or, where none is given, the highest of its hardware ids plus one (IMG-9), of those listed here and of
/// `elsewhere`. An image listed already, with nothing new said of it, keeps its counter. Fault: Denied (the
/// counter is lower than one of its hardware ids has: a rollback).
Result<Change> with_release(const model::Targets& listed, const Release& release,
                            const std::optional<Reached>& elsewhere = std::nullopt);

/// The highest counter of any of these hardware ids in `listed`; nothing where no image is for them.
/// Rejections: member-*.
Result<std::optional<Reached>> highest_counter(const model::Targets& listed,
                                               const std::vector<HardwareId>& hardware_ids);

/// How a parent lists a file: version, length and hashes (FMT-46).
model::FileMeta meta_of(Version version, ByteView wire);

/// The next of each, all other facts kept; `listed`: what the snapshot lists anew. `dropped`: what it lists
/// no more, which clients take for a rollback unless a new root replaces its keys and the timestamp's
/// (IMG-13).
model::Snapshot next_snapshot(const model::Snapshot& last, Version version, UtcTime expires,
                              const std::map<RoleName, model::FileMeta>& listed,
                              const std::set<RoleName>& dropped = {});
model::Timestamp next_timestamp(const model::Timestamp& last, Version version, UtcTime expires,
                                const model::FileMeta& snapshot);

}  // namespace cotter::repository
