// The question for the time, and the answer (TIM-3, FMT-90): nonces, and a time attested to them, signed like
// metadata by the keys of the time source. Never says for whom it is right: common/trust/secure_time.h judges
// that. Values only.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/strong.h"
#include "common/base/time.h"
#include "common/crypto/public_key.h"
#include "common/json/value.h"

namespace cotter::model {

/// 128 bits in lower-case hex: what an ECU drew at random to know the answer to its own question by (FMT-90).
using Nonce = Strong<struct NonceTag>;

inline constexpr std::size_t kNonceBytes = 16;
inline constexpr std::size_t kMaxNonces = 256;                      ///< a vehicle of 100 ECUs, with room
inline constexpr std::size_t kMaxTimeAttestationBytes = 64 * 1024;  // VER-LIM
inline constexpr std::size_t kMaxTimeRequestBytes = 16 * 1024;  ///< kMaxNonces and a vehicle's id, with room

/// `random` has kNonceBytes bytes that nobody could foresee.
Nonce nonce_of(ByteView random);
bool is_nonce(std::string_view text) noexcept;

/// What a vehicle asks with: the nonce of each of its ECUs, and which vehicle it is (TIM-10).
struct TimeRequest {
  std::vector<Nonce> nonces;  ///< 1 to kMaxNonces, each once
  std::optional<VehicleId> vin;

  /// Rejections: file-too-large, json-*, member-*.
  static Result<TimeRequest> read(ByteView wire);
  [[nodiscard]] Bytes wire() const;
};

struct TimeAttestation {
  static constexpr std::string_view kType = "time-attestation";
  UtcTime time{};
  std::vector<Nonce> nonces;     ///< 1 to kMaxNonces, each once
  std::optional<VehicleId> vin;  ///< of the vehicle that asked, if it said so
  json::Object unknown;          ///< members we do not know (FMT-9)

  /// As strict in either profile. Rejections: role-type-wrong, member-*, date-malformed.
  static Result<TimeAttestation> decode(const json::Value& signed_part, crypto::Profile profile);
  [[nodiscard]] json::Value encode() const;
};

}  // namespace cotter::model
