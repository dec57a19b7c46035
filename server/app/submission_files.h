// The files of submissions on disk, while they come in piece by piece and until somebody has judged them.
// Never a name from outside in a path: a folder is a submission's id, a file its SHA-256. Never whole under
// its name before its bytes have that hash, and a paper never read with another. One thread at a time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "server/operations/submission.h"

namespace cotter::app {

class SubmissionFiles {
 public:
  /// `dir` is made when it is first needed.
  explicit SubmissionFiles(std::filesystem::path dir) : dir_(std::move(dir)) {}

  /// How many bytes are here; all of them once the file is whole. A file that is complete and has another
  /// hash is emptied: 0. Faults: Denied, Io.
  Result<std::uint64_t> held(const std::string& id, const operations::SubmittedFile& file);
  /// Adds bytes at `offset`, which is where what is here ends; durable on return. How many are here then.
  /// Faults: Conflict (the file ends elsewhere; or it is complete and has another hash, and is emptied),
  /// Usage (more bytes than were announced), NoSpace, Denied, Io.
  Result<std::uint64_t> append(const std::string& id, const operations::SubmittedFile& file,
                               std::uint64_t offset, ByteView bytes);
  /// Where the whole file lies. Fault: NotFound (it is not whole).
  [[nodiscard]] Result<std::filesystem::path> whole(const std::string& id,
                                                    const operations::SubmittedFile& file) const;
  /// A paper's bytes, which have the SHA-256 that was announced. Faults: NotFound (it is not whole), Conflict
  /// (somebody changed it here), Denied, Io.
  [[nodiscard]] Result<Bytes> paper(const std::string& id, const operations::SubmittedFile& file) const;
  /// For bytes read by whole(): they are no longer what was announced.
  static Error changed(const operations::SubmittedFile& file);
  /// Everything of the submission. Faults: Denied, Io.
  Result<void> remove(const std::string& id);

 private:
  [[nodiscard]] std::filesystem::path folder(const std::string& id) const;
  Result<bool> finish(const std::string& id, const operations::SubmittedFile& file);
  std::filesystem::path dir_;
};

}  // namespace cotter::app
