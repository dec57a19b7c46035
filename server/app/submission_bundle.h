// A supplier's next metadata on its way through the hands of those who sign, and the files that go with it:
// what cotter submit passes on, and goes on with after it was broken off. Never holds a key or a token. A
// plain value.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/signer.h"
#include "common/json/value.h"
#include "common/model/roles.h"
#include "server/operations/submission.h"

namespace cotter::app {

struct SubmissionBundle {
  struct File {
    operations::SubmittedFile file;
    std::filesystem::path path;  ///< as the first signer named it
  };
  /// A metadata file.
  struct Metadata {
    std::vector<RoleName> roles{};  ///< the bins whose file it is; none: the supplier's own
    model::Targets targets{};
    std::vector<crypto::Signature> signatures{};

    /// Canonical JSON: what is signed.
    [[nodiscard]] Bytes canonical() const;
    /// The metadata file with the signatures so far.
    [[nodiscard]] Bytes wire() const;
    /// A second signature by the same key replaces the first.
    void attach(crypto::Signature signature);
  };
  RoleName role;
  std::vector<Metadata> metadata;  ///< the supplier's own first, where it is among them; then those of bins
  std::vector<File> files;         ///< all but the metadata

  /// The supplier's own file; nullptr where it stays as it is published.
  [[nodiscard]] const model::Targets* own() const;
  /// All that its files list, as one.
  [[nodiscard]] model::Targets listed() const;
  /// What is announced to the server, the metadata first.
  [[nodiscard]] operations::Submission submission() const;

  [[nodiscard]] json::Object encode() const;
  /// Faults: NoSpace, Denied, Io.
  Result<void> write(const std::filesystem::path& file) const;
  /// Rejections: json-*, member-*, those of targets.
  static Result<SubmissionBundle> decode(ByteView text);
  /// Faults besides: NotFound, Denied, Io.
  static Result<SubmissionBundle> read(const std::filesystem::path& file);
};

/// Adds what a file of the same supplier lists to what others do; the delegations are those of whichever has
/// some.
void add_listed(model::Targets& all, const model::Targets& file);

/// What `next` lists otherwise than `base` (nothing: no role yet), a line a change, for who signs to read.
std::vector<std::string> changes_in(const model::Targets* base, const model::Targets& next);

}  // namespace cotter::app
