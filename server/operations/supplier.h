// A supplier, and what it must keep to besides its delegation, which says what it may sign and with which
// keys. Plain values. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/public_key.h"
#include "common/json/value.h"
#include "common/model/roles.h"

namespace cotter::operations {

inline constexpr std::uint64_t kMinRsaBits = 2048;    ///< what vehicles ask of any key (FMT-7)
inline constexpr std::uint64_t kMostRsaBits = 16384;  ///< that OpenSSL verifies with
/// Of a supplier's bin length: 512 bins of some 60 kB are what one submission holds, and what people sign
/// anew in one go when their keys change or their metadata expires.
inline constexpr std::uint32_t kMostSupplierBits = 9;

struct SupplierPolicy {
  std::chrono::seconds expiry_ceiling{std::chrono::days{180}};  ///< how long its metadata may live at most
  std::vector<std::string> schemes;          ///< that its keys may use; none: all that vehicles know
  std::uint64_t min_rsa_bits = kMinRsaBits;  ///< of its keys that are RSA
  std::uint64_t version_floor = 0;           ///< the least release counter of its images
  std::uint64_t counter_leap = 1'000'000;    ///< how far above what there is, or the floor, they may be
  std::uint64_t quota_bytes = std::uint64_t{10} << 30U;  ///< of all its images, and of what waits
  bool needs_sbom = false;
  bool needs_provenance = false;
  bool needs_two_people = false;  ///< to accept what it hands in
  bool may_delegate = false;      ///< to suppliers of its own
  /// Two to this power is the number of its hashed bins (TAP 15), for good; 0: it has none.
  std::uint32_t bit_length = 0;

  /// How many have to say yes.
  [[nodiscard]] std::uint32_t people() const { return needs_two_people ? 2 : 1; }
  /// Why it may not use this key, "is ed25519, which the policy does not allow"; nothing where it may.
  [[nodiscard]] std::optional<std::string> objection_to(const crypto::PublicKey& key) const;
  /// As the ledger and the database hold it.
  [[nodiscard]] json::Object encode() const;
  /// Rejections: member-*.
  static Result<SupplierPolicy> decode(const json::Value& value);
};

struct Supplier {
  RoleName name;          ///< of its role too
  SupplierPolicy policy;  ///< of one below another: the other's
  UtcTime added{};
  std::optional<UtcTime> removed{};  ///< itself, or the one above it
  std::optional<RoleName> below{};   ///< the supplier that lets it sign; none: the targets do

  [[nodiscard]] bool has_bins() const { return !below && policy.bit_length > 0; }
  /// Its bins, without keys. It must have some.
  [[nodiscard]] model::SuccinctRoles bins() const;
  /// Whose metadata it signs: its own role and its bins.
  [[nodiscard]] std::vector<RoleName> roles() const;
};

}  // namespace cotter::operations
