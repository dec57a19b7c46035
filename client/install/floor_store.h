// Numbers that only rise, kept where a wipe of metadata does not reach them: release counters, and counters
// that must never be given twice (PRI-31, VER-8). Files now, a TPM or another hardware counter behind the
// same seam. Never goes back, and never takes what cannot be read for 0. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/base/strong.h"

namespace cotter::client {

using FloorName = Strong<struct FloorNameTag>;

/// The highest release counter that this ECU has confirmed.
inline FloorName release_floor_of(const EcuSerial& ecu) { return FloorName("release/" + ecu.value()); }

struct FloorStore {
  virtual ~FloorStore() = default;
  /// Nothing: this number was never raised here. Faults: NotFound (nothing was ever kept here, or all of it
  /// is gone), Io (what is kept cannot be read), Busy, Denied. None of them means 0: without a floor there is
  /// no update.
  [[nodiscard]] virtual Result<std::optional<std::uint64_t>> floor(const FloorName& name) const = 0;
  /// A higher number is durable on return; a lower one changes nothing. Faults: those of floor(); NoSpace.
  virtual Result<void> raise(const FloorName& name, std::uint64_t to) = 0;
  /// An empty store where none can be read: in the factory, and by a workshop's hand. Never by itself.
  /// Faults: Conflict (there is one that can be read); Busy, Denied, NoSpace, Io.
  virtual Result<void> begin_anew() = 0;
};

/// Where one ECU's release floor is kept.
struct EcuFloor {
  FloorStore& store;
  EcuSerial ecu;
};

/// A counter of which no number is used twice, though the record of its last use be lost or an old one put
/// back: numbers are reserved in the floor store many at a time, and each start goes on above all that may
/// have been used.
class ReservedCounter {
 public:
  ReservedCounter(FloorStore& store, FloorName name) : store_(store), name_(std::move(name)) {}
  /// Greater than every one before, and than `above`; durable before it is used. Faults of the store.
  Result<std::uint64_t> next(std::uint64_t above = 0);
  /// Up to this one they may have been given; 0 before the first.
  [[nodiscard]] std::uint64_t reserved() const noexcept { return reserved_; }

 private:
  FloorStore& store_;
  FloorName name_;
  std::uint64_t last_ = 0;
  std::uint64_t reserved_ = 0;
};

}  // namespace cotter::client
