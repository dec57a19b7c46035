// Whose word on the time counts: keys and a threshold, in the director's root (FMT-32) and once more in its
// targets, for ECUs that see little else (PVS-6). Never signs or checks a time. Values only.
#pragma once

#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/json/value.h"
#include "common/model/roles.h"

namespace cotter::model {

/// "x-time-source": a role of a director's root, and a member of its targets.
const RoleName& time_source_role();

struct TimeSource {
  KeyRing keys;
  RoleKeys role;

  /// Nothing where the root lists none: then there is no secure time.
  static std::optional<TimeSource> of(const Root& root);
  /// Nothing where the targets say nothing of it. Rejections: member-*, key-*, threshold-*.
  static Result<std::optional<TimeSource>> of(const Targets& targets);
  /// {"keys", "keyids", "threshold"}. Rejections: as above.
  static Result<TimeSource> decode(const json::Value& value);
  [[nodiscard]] json::Value encode() const;
  /// Equal for the same keys and threshold, however the keys are named and spelt (FMT-22); 64 hex digits.
  [[nodiscard]] std::string digest() const;
};

}  // namespace cotter::model
