// A secondary ECU in memory: its flash, whose power can be cut at any write, its core, and a link to it.
// Never for use outside tests. One thread.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "client/install/ab_slot.h"
#include "client/install/factory.h"
#include "client/install/floor_records.h"
#include "client/install/single_slot.h"
#include "client/links/loopback_link.h"
#include "client/secondary/core.h"
#include "client/secondary/packed_metadata.h"
#include "tests/sim/sim_key.h"

namespace cotter::sim {

struct SteppedClock final : Clock {
  explicit SteppedClock(UtcTime start) : time(start) {}
  [[nodiscard]] UtcTime now() const override { return time; }
  UtcTime time;
};

/// A clock that nobody can set; tests step it.
struct SteppedUptime final : trust::UptimeClock {
  [[nodiscard]] std::optional<trust::Uptime> uptime() const override {
    if (stopped) return std::nullopt;
    return trust::Uptime{"boot " + std::to_string(boots), since};
  }
  std::chrono::seconds since{};
  int boots = 1;
  bool stopped = false;  ///< an ECU without a clock
};

/// Each nonce once, and each ECU its own.
struct CountedNonces final : trust::NonceSource {
  explicit CountedNonces(std::string_view whose) : whose_(crypto::sha256(as_bytes(whose))) {}
  model::Nonce draw() override;

 private:
  Bytes whose_;
  std::uint8_t drawn_ = 0;
};

/// Slots and records that outlive the ECU's program.
class Flash final : public client::SlotMedium, public client::StateStore {
 public:
  [[nodiscard]] Result<client::Slot> active() const override { return active_; }
  Result<void> activate(client::Slot slot) override;
  [[nodiscard]] Result<std::uint64_t> size(client::Slot slot) const override { return at(slot).size(); }
  [[nodiscard]] Result<Bytes> read(client::Slot slot, std::uint64_t offset, std::size_t max) const override;
  Result<void> write(client::Slot slot, std::uint64_t offset, ByteView bytes) override;
  Result<void> truncate(client::Slot slot, std::uint64_t size) override;
  Result<void> sync(client::Slot) override { return change(); }

  [[nodiscard]] Result<std::optional<Bytes>> load(std::string_view name) const override;
  Result<void> save(std::string_view name, ByteView record) override;
  Result<void> erase(std::string_view name) override;

  /// The power goes after so many more changes: that one and all later calls fail until restore_power().
  void cut_power_after(int changes) { changes_left_ = changes; }
  void restore_power() { changes_left_.reset(); }
  [[nodiscard]] bool dead() const noexcept { return changes_left_ && *changes_left_ < 0; }

  std::map<std::string, Bytes, std::less<>> records;
  Bytes& at(client::Slot slot) { return slots_.at(static_cast<std::size_t>(slot)); }
  [[nodiscard]] const Bytes& at(client::Slot slot) const { return slots_.at(static_cast<std::size_t>(slot)); }
  /// What boots, as text.
  [[nodiscard]] std::string running() const { return std::string(as_text(at(active_))); }
  /// Damages whatever is made to boot next, as a worn-out cell would.
  bool damage_on_activate = false;

 private:
  Result<void> change();
  client::Slot active_ = client::Slot::A;
  std::array<Bytes, 2> slots_;
  std::optional<int> changes_left_;
};

struct MemoryImage final : client::ImageSource {
  explicit MemoryImage(std::string_view content) : bytes(to_bytes(content)) {}
  [[nodiscard]] std::uint64_t size() const override { return bytes.size(); }
  Result<Bytes> read(std::uint64_t offset, std::size_t max) override;
  Bytes bytes;
};

struct MemorySink final : client::ImageSink {
  Result<void> write(ByteView chunk) override;
  Bytes bytes;
};

struct EcuOrder {
  client::EcuIdentity identity;
  client::Slots slots = client::Slots::Two;
  std::string image;
  TargetName image_name;
  ReleaseCounter release_counter{1};
  bool has_clock = true;
};

class EcuSim {
 public:
  EcuSim(EcuOrder order, UtcTime start);
  /// Power off and on: only the flash stays.
  Result<void> restart();

  [[nodiscard]] wire::Reply ask(const wire::Request& request) { return core_->handle(request); }
  client::SecondaryCore& core() { return *core_; }
  client::Installer& installer() { return *installer_; }
  client::LoopbackLink& link() { return link_; }
  [[nodiscard]] const trust::MetadataStore& metadata() const noexcept { return metadata_; }
  /// Its next report, checked with its own key.
  Result<model::VerifiedReport> report();
  [[nodiscard]] const EcuOrder& order() const noexcept { return order_; }

  Flash flash;
  client::FloorRecords floors{flash, "the flash"};
  SteppedClock clock;
  SteppedUptime uptime;
  CountedNonces nonces;

 private:
  EcuOrder order_;
  SimKey key_;
  client::PackedMetadata metadata_{flash};
  std::unique_ptr<client::Installer> installer_;
  std::unique_ptr<client::SecondaryCore> core_;
  client::LoopbackLink link_;
};

}  // namespace cotter::sim
