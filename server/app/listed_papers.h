// Which SBOMs and statements of provenance an entry of the ledger vouches for: those that it names, and where
// it had no room for all, those in the list of files whose hash it has.
// Never believes a list that has another hash. One thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/json/value.h"
#include "server/operations/submission.h"

namespace cotter::app {

/// A paper of an accepted submission, or the list of its files, by its SHA-256 in hex; nothing where there is
/// none. Faults: Denied, Io.
using ReadPaper = std::function<Result<std::optional<Bytes>>(const std::string& sha256)>;

struct ListedPaper {
  operations::FileKind kind = operations::FileKind::Sbom;
  std::string sha256;
  std::string name;  ///< the first new image that it is about; empty where only the list has it
};

/// `details` of an entry. Faults: those of `read`.
Result<std::vector<ListedPaper>> listed_papers(const json::Object& details, const ReadPaper& read);

}  // namespace cotter::app
