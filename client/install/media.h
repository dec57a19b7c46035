// What an ECU's storage must provide: image slots, and small records that survive a power cut.
// Never knows what an image or a record means. Implementations belong to one thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "common/base/bytes.h"
#include "common/base/result.h"

namespace cotter::client {

enum class Slot : std::uint8_t { A, B };
inline Slot other(Slot slot) noexcept { return slot == Slot::A ? Slot::B : Slot::A; }

/// Flash, or files standing for it. Faults of all: Io; of write() NoSpace too.
struct SlotMedium {
  virtual ~SlotMedium() = default;
  /// The slot that boots.
  [[nodiscard]] virtual Result<Slot> active() const = 0;
  /// Changes which slot boots: after a power cut it is the old one or the new one. Durable on return.
  virtual Result<void> activate(Slot slot) = 0;
  /// Bytes in the slot; 0 for an empty one.
  [[nodiscard]] virtual Result<std::uint64_t> size(Slot slot) const = 0;
  /// Up to `max` bytes from `offset`, read back from the medium; fewer only at the end.
  [[nodiscard]] virtual Result<Bytes> read(Slot slot, std::uint64_t offset, std::size_t max) const = 0;
  virtual Result<void> write(Slot slot, std::uint64_t offset, ByteView bytes) = 0;
  virtual Result<void> truncate(Slot slot, std::uint64_t size) = 0;
  /// What was written is durable on return.
  virtual Result<void> sync(Slot slot) = 0;
};

/// Small records by name (letters and dashes). Faults: Io, NoSpace.
struct StateStore {
  virtual ~StateStore() = default;
  /// Nothing when there is none.
  [[nodiscard]] virtual Result<std::optional<Bytes>> load(std::string_view name) const = 0;
  /// The old record or the new one, never between, durable on return.
  virtual Result<void> save(std::string_view name, ByteView record) = 0;
  virtual Result<void> erase(std::string_view name) = 0;
  /// The same as save(), but durable only when the medium gets round to it: after a power cut it may be an
  /// older record, none, or one that cannot be read. For what is good to know and no more.
  virtual Result<void> save_soon(std::string_view name, ByteView record) { return save(name, record); }
};

}  // namespace cotter::client
