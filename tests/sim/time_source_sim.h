// A time source, honest or in an attacker's hands. Never checks what it is asked. One thread.
#pragma once

#include <chrono>
#include <optional>
#include <span>

#include "common/base/result.h"
#include "common/base/time.h"
#include "common/model/time_attestation.h"
#include "tests/sim/sim_key.h"

namespace cotter::sim {

struct TimeSourceSim {
  enum class Nonces : std::uint8_t { AsAsked, None, AndAStrangers };

  Keys keys;                    ///< that sign its answers
  std::optional<UtcTime> says;  ///< else what time it is
  Nonces nonces = Nonces::AsAsked;
  std::chrono::seconds delay{};  ///< how long its answers are under way
  bool silent = false;           ///< no answer comes through
  bool replays = false;          ///< its first answer, over and over

  /// Fault: Network, when silent.
  Result<Bytes> answer(std::span<const model::Nonce> request, UtcTime now);

 private:
  std::optional<Bytes> first_;
};

/// A nonce that says which it is: tests draw none at random.
model::Nonce numbered_nonce(std::uint8_t number);

}  // namespace cotter::sim
