// What came with images that somebody accepted, kept for whoever audits them: SBOMs, statements of
// provenance, and of each submission the list of its files, each under its SHA-256. Never served, never
// dropped, and never believed because it lies here: whoever reads a paper holds it against the ledger. One
// writer at a time.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "server/app/submission_files.h"
#include "server/app/workspace.h"
#include "server/operations/submission.h"

namespace cotter::app {

class KeptPapers {
 public:
  /// In the workspace's `papers`, which is made when it is first needed, closed to others.
  explicit KeptPapers(const Workspace& workspace) : dir_(workspace.dir() / "papers") {}

  /// Its papers and the list of its files, each whole or not at all, and durable on return. What is here
  /// already is not written again, unless its bytes are others. Faults: those of SubmissionFiles::paper(),
  /// NoSpace, Denied, Io.
  Result<void> keep(const SubmissionFiles& files, const operations::SubmissionRecord& record) const;

  /// What lies here under this hash, in hex; nothing where nothing does. Faults: Denied, Io.
  [[nodiscard]] Result<std::optional<Bytes>> read(const std::string& sha256) const;

 private:
  Result<void> put(const std::string& sha256, ByteView bytes) const;
  [[nodiscard]] Result<bool> has(const std::string& sha256) const;
  std::filesystem::path dir_;
};

}  // namespace cotter::app
