// What is remembered of the time from one start to the next (TIM-9): floor, time source, last attestation.
// And what an ECU needs to ask for it: a clock that only runs forward, and nonces. Never judges an
// attestation: that is secure_time.h. Values, and seams of one thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "common/base/bytes.h"
#include "common/base/result.h"
#include "common/base/time.h"
#include "common/model/time_attestation.h"
#include "common/model/time_source.h"

namespace cotter::trust {

/// A clock that only runs forward and that nobody can set: how long this boot has lasted, and which it is.
struct Uptime {
  std::string boot;
  std::chrono::seconds since{};
};

/// Nothing on an ECU without a clock.
struct UptimeClock {
  virtual ~UptimeClock() = default;
  [[nodiscard]] virtual std::optional<Uptime> uptime() const = 0;
};

/// Where an ECU's nonces come from: each new, and one that nobody could foresee.
struct NonceSource {
  virtual ~NonceSource() = default;
  virtual model::Nonce draw() = 0;
};

struct TimeState {
  struct Attested {
    UtcTime time{};
    Uptime at;
  };
  UtcTime floor{};                          ///< no earlier time is believed
  std::optional<model::TimeSource> source;  ///< whose word counts
  UtcTime root_expires{};              ///< when the director's root expires: a time far beyond it is a jump
  std::string root_source;             ///< digest of what the director's root last listed; empty: none
  std::optional<Attested> attested;    ///< the last one, on an ECU whose clock runs
  std::optional<UtcTime> unconfirmed;  ///< a jump far ahead that a second attestation may confirm

  /// A floor that storage has moved far ahead would keep out all genuine time for ever: the record counts
  /// only whole (VER-REC). Rejections: json-*, member-*, date-malformed, key-*, threshold-*. Fault: Io
  /// (damaged).
  static Result<TimeState> decode(ByteView record);
  [[nodiscard]] Bytes encode() const;
};

}  // namespace cotter::trust
