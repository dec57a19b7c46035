// Checks an image while it streams by: length first, then every listed hash (PRI-13, INS-3.7).
// Never says yes before finish(). One thread.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/crypto/digest.h"
#include "common/model/roles.h"

namespace cotter::trust {

class ImageCheck {
 public:
  explicit ImageCheck(const model::Target& target);
  /// Rejection: image-too-long, at the first byte past the listed length; that byte and those after it must
  /// not be kept.
  Result<void> write(ByteView chunk);
  /// Rejections: image-too-short, image-hash-wrong. Call once, last.
  Result<void> finish();
  [[nodiscard]] std::uint64_t received() const noexcept { return received_; }

 private:
  std::uint64_t length_;
  std::uint64_t received_ = 0;
  std::vector<std::pair<crypto::Hasher, Bytes>> hashers_;  ///< each with the digest it must give
};

}  // namespace cotter::trust
