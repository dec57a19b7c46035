// Draft<T> -> Verified<T>: how a publisher makes metadata; the mirror image of Unverified.
// Never hands out bytes that its own authority would not accept. One thread.
#pragma once

#include <vector>

#include "common/crypto/signer.h"
#include "common/trust/verified.h"

namespace cotter::trust {

template <RoleType T>
class Draft {
 public:
  explicit Draft(const T& next);
  /// The bytes to sign: canonical JSON of `signed`.
  [[nodiscard]] ByteView canonical() const noexcept { return canonical_; }
  /// A second signature by the same key id replaces the first.
  void attach(crypto::Signature signature);
  /// Signs with it and attaches. Faults of the signer.
  Result<void> sign(crypto::Signer& signer);
  [[nodiscard]] Bytes wire() const;

  /// The finished file, verified as a client would under `authority` (Vehicle profile). Rejections as
  /// Unverified::verify.
  Result<Verified<T>> seal(const Authority& authority) const;
  /// Roots only: a first root, or the successor of `trusted`.
  Result<Verified<T>> seal_anchor() const requires std::same_as<T, model::Root>;
  Result<Verified<T>> seal_successor(const Verified<T>& trusted) const requires std::same_as<T, model::Root>;

 private:
  json::Value signed_;
  Bytes canonical_;
  std::vector<crypto::Signature> signatures_;
};

}  // namespace cotter::trust
