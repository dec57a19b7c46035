// An ECU's trusted metadata: each repository's files in one record, so that a batch is kept whole or not at
// all (VER-8, VER-ATOM). Never interprets a file; an unreadable record counts as empty (VER-REC). One thread.
#pragma once

#include <map>

#include "client/install/media.h"
#include "common/trust/seams.h"

namespace cotter::client {

class PackedMetadata final : public trust::MetadataStore {
 public:
  /// `store` must outlive it; its records are "director" and "image".
  explicit PackedMetadata(StateStore& store) : store_(store) {}
  Result<std::optional<Bytes>> load(Repository repository, const RoleName& role) const override;
  Result<void> commit(Repository repository, std::span<const trust::Effect> effects) override;

 private:
  using Files = std::map<RoleName, Bytes>;
  [[nodiscard]] Result<Files> unpack(Repository repository) const;
  StateStore& store_;
};

}  // namespace cotter::client
