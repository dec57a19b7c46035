// A metadata file on its way to the holders of offline keys and back: what is to be signed, in words and in
// bytes, and the signatures so far. One file, pending/REPOSITORY-ROLE-VERSION.json; nothing else crosses.
// Never holds a key. A plain value.
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

namespace cotter::ceremony {

/// The beginning of a content's SHA-256 in hex, for holders to read to each other before they sign:
/// "4f3a-91bc-07de-55aa".
std::string read_aloud(const std::string& sha256);

struct OfflineBundle {
  Repository repository = Repository::Image;
  RoleName role;
  Version version{1};
  std::uint32_t threshold = 1;
  std::vector<std::string> summary;  ///< what changes, for a person to read; no program acts on it
  /// The root files from the first on; the last is the one whose keys sign. Of a root: those before it.
  std::vector<std::string> roots;
  std::string base;  ///< the file that this one follows, where it is no root
  json::Value signed_part;
  std::vector<crypto::Signature> signatures;

  [[nodiscard]] std::string file_name() const;  ///< "image-targets-7.json"
  /// Of the canonical bytes, in hex.
  [[nodiscard]] std::string sha256() const;
  [[nodiscard]] std::string read_aloud() const { return ceremony::read_aloud(sha256()); }
  /// Under file_name(); replaces what is there. Faults: NoSpace, Denied, Io.
  Result<void> write(const std::filesystem::path& pending_dir) const;
  /// Likewise, under any name: a holder's copy.
  Result<void> write_as(const std::filesystem::path& file) const;
  /// Rejections: json-*, member-*; also where the digest in it is not that of its content
  /// (member-wrong-kind). Faults: NotFound, Denied, Io.
  static Result<OfflineBundle> read(const std::filesystem::path& file);
};

/// The files of bundles for this role in `pending_dir`, in no order. Faults: Denied, Io.
Result<std::vector<std::filesystem::path>> bundles_in(const std::filesystem::path& pending_dir,
                                                      Repository repository, const RoleName& role);

/// Removes them, and what a writer left that was killed. Faults: Denied, Io.
Result<void> remove_bundles(const std::filesystem::path& pending_dir, Repository repository,
                            const RoleName& role);

}  // namespace cotter::ceremony
