// Names and numbers that must not be mixed up: one type each, explicit to make, ordered, without arithmetic.
// Never carries a rule about its content; parsing does.
// Values only: safe on any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

namespace cotter {

template <class Tag, class Rep = std::string>
class Strong {
 public:
  Strong() = default;
  explicit Strong(Rep value) : value_(std::move(value)) {}
  [[nodiscard]] const Rep& value() const noexcept { return value_; }
  friend auto operator<=>(const Strong&, const Strong&) = default;  // NOLINT(modernize-use-nullptr): sees a 0

 private:
  Rep value_{};
};

using KeyId = Strong<struct KeyIdTag>;
/// "root", "timestamp", "snapshot", "targets", or the name a delegation gives.
using RoleName = Strong<struct RoleNameTag>;
using TargetName = Strong<struct TargetNameTag>;
using EcuSerial = Strong<struct EcuSerialTag>;
using HardwareId = Strong<struct HardwareIdTag>;
using VehicleId = Strong<struct VehicleIdTag>;
using Version = Strong<struct VersionTag, std::uint64_t>;
using ReleaseCounter = Strong<struct ReleaseCounterTag, std::uint64_t>;

}  // namespace cotter
