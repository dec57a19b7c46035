// A release role of the workspace's image repository as it is published, and the files that a release writes
// to it. Never reads more of it than is asked for: a bin is a bin, whatever lies in the others. One thread.
#pragma once

#include <utility>
#include <vector>

#include "common/base/result.h"
#include "common/crypto/signer.h"
#include "common/model/roles.h"
#include "common/trust/trusted_set.h"
#include "server/app/repository_writer.h"
#include "server/repository/batch.h"
#include "server/repository/precompressed.h"

namespace cotter::app {

/// The keys that a release needs: the role's own, and those of what lists its bins.
struct ReleaseSigners {
  OnlineSigners online;
  crypto::Signer* role = nullptr;
};

/// Signed files of release roles, of each role one version, written but not durable, for
/// RepositoryWriter::publish_release().
class SignedFiles {
 public:
  explicit SignedFiles(const repository::Layout& layout) : layout_(&layout), batch_(layout) {}
  SignedFiles(const repository::Layout& layout, RoleName of, Version version) : SignedFiles(layout) {
    begin(std::move(of), version);
  }
  /// What is added from now on is this role's.
  void begin(RoleName of, Version version) { files_.push_back({std::move(of), version}); }
  struct Written {
    repository::WrittenFile file;
    Bytes sha256;
    std::uint64_t bytes = 0;
  };
  /// Under no name yet. Safe on many threads at once. Faults: NoSpace, Denied, Io.
  Result<Written> write(ByteView wire);
  /// One file for all of these.
  void add(const std::vector<RoleName>& roles, Written file);
  [[nodiscard]] const std::vector<DelegatedFiles>& files() const noexcept { return files_; }
  [[nodiscard]] repository::Batch& batch() noexcept { return batch_; }

 private:
  const repository::Layout* layout_;
  repository::Batch batch_;
  std::vector<DelegatedFiles> files_;
  std::vector<repository::WrittenFile> passing_;
};

/// Signs `next` as a file of `role`, which `delegator` lets sign. Rejections: those of a client that would
/// read it. Faults of the signer.
Result<trust::Verified<model::Targets>> signed_for(const trust::Verified<model::Targets>& delegator,
                                                   const RoleName& role, const model::Targets& next,
                                                   crypto::Signer& signer);

class ReleaseRole {
 public:
  /// Reads the role's own file, and no bin. Faults: NotFound (no such role, or one without bins; it waits for
  /// its holders), Conflict (it is a supplier's), Io. Rejections: those of a client.
  static Result<ReleaseRole> open(RepositoryWriter& writer, const RoleName& name);

  [[nodiscard]] const RoleName& name() const noexcept { return name_; }
  /// As targets delegate to it.
  [[nodiscard]] const model::DelegatedRole& entry() const noexcept { return *entry_; }
  [[nodiscard]] const model::SuccinctRoles& bins() const noexcept { return *bins_; }

  /// Its own file.
  [[nodiscard]] const model::Targets& file() const noexcept { return *file_; }

  /// What the bin says, verified as a client would. Rejections: those of a client. Faults: NotFound, Io.
  Result<model::Targets> read(const RoleName& bin) const;
  /// Whether this key signs its bins. Fault: Denied.
  Result<void> check_key(const crypto::PublicKey& key) const;
  /// Signs the next file of a bin, or of the role itself. Rejections: those of a client that would read it.
  /// Faults of the signer.
  Result<Bytes> sign(const RoleName& bin, const model::Targets& next, crypto::Signer& signer) const;

 private:
  ReleaseRole(repository::Layout layout, trust::TrustedSet set, RoleName name)
      : layout_(std::move(layout)), set_(std::move(set)), name_(std::move(name)) {}
  repository::Layout layout_;
  trust::TrustedSet set_;  ///< with the role's file
  RoleName name_;
  const model::DelegatedRole* entry_ = nullptr;  ///< of files that set_ shares
  const model::Targets* file_ = nullptr;
  const model::SuccinctRoles* bins_ = nullptr;
};

}  // namespace cotter::app
