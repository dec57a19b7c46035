// What the ECUs of one hardware id can verify: which signatures, how large a file.
// Never says what an ECU should be given: that is policy. Values only: safe on any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/crypto/public_key.h"

namespace cotter::inventory {

/// Where nothing is given, what the Cotter client can as it is built for a host: the schemes of
/// client_schemes(), and the caps of `Limits`. An ECU with libsodium alone verifies ed25519 and no more.
struct Abilities {
  std::optional<std::set<crypto::Scheme>> schemes{};
  std::optional<std::uint64_t> max_metadata{};  ///< bytes of any file
  std::optional<std::uint64_t> max_root{};
  std::optional<std::uint64_t>
      max_targets{};  ///< of either repository's targets, delegated ones and bins too
  friend bool operator==(const Abilities&, const Abilities&) = default;

  [[nodiscard]] bool verifies(crypto::Scheme scheme) const;
  /// {"schemes", "max_metadata", "max_root", "max_targets"}; null where nothing is given.
  [[nodiscard]] json::Object encode() const;
  /// The most bytes of a file of this role that it takes.
  [[nodiscard]] std::uint64_t most_bytes(Repository repository, const RoleName& role) const;
};

/// ed25519, ecdsa-sha2-nistp256, rsassa-pss-sha256: what vehicles verify (FMT-24).
const std::set<crypto::Scheme>& client_schemes();
/// "ed25519". Fault: Usage, which lists the names there are.
Result<crypto::Scheme> scheme_named(std::string_view name);

}  // namespace cotter::inventory
