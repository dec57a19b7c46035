#include "tests/sim/ecu_sim.h"

#include <algorithm>

#include "common/json/strict_reader.h"

namespace cotter::sim {
namespace {

tl::unexpected<Error> no_power() { return fault(Fault::Kind::Io, "the power is off"); }

}  // namespace

Result<void> Flash::change() {
  if (!changes_left_) return {};
  if (*changes_left_ >= 0) --*changes_left_;
  if (dead()) return no_power();
  return {};
}

Result<void> Flash::activate(client::Slot slot) {
  TRY(change());
  active_ = slot;
  if (damage_on_activate && !at(slot).empty()) at(slot).back() ^= 1;
  return {};
}

Result<Bytes> Flash::read(client::Slot slot, std::uint64_t offset, std::size_t max) const {
  if (dead()) return no_power();
  const Bytes& bytes = at(slot);
  const auto from = std::min<std::size_t>(offset, bytes.size());
  const ByteView piece = ByteView(bytes).subspan(from, std::min(max, bytes.size() - from));
  return Bytes(piece.begin(), piece.end());
}

Result<void> Flash::write(client::Slot slot, std::uint64_t offset, ByteView bytes) {
  TRY(change());
  Bytes& content = at(slot);
  content.resize(std::max<std::size_t>(content.size(), offset + bytes.size()));
  std::ranges::copy(bytes, content.begin() + static_cast<std::ptrdiff_t>(offset));
  return {};
}

Result<void> Flash::truncate(client::Slot slot, std::uint64_t size) {
  TRY(change());
  at(slot).resize(size);
  return {};
}

Result<std::optional<Bytes>> Flash::load(std::string_view name) const {
  if (dead()) return no_power();
  const auto found = records.find(name);
  return found == records.end() ? std::optional<Bytes>() : std::optional(found->second);
}

Result<void> Flash::save(std::string_view name, ByteView record) {
  TRY(change());
  records[std::string(name)] = Bytes(record.begin(), record.end());
  return {};
}

Result<void> Flash::erase(std::string_view name) {
  TRY(change());
  if (const auto found = records.find(name); found != records.end()) records.erase(found);
  return {};
}

Result<Bytes> MemoryImage::read(std::uint64_t offset, std::size_t max) {
  const auto from = std::min<std::size_t>(offset, bytes.size());
  const ByteView piece = ByteView(bytes).subspan(from, std::min(max, bytes.size() - from));
  return Bytes(piece.begin(), piece.end());
}

Result<void> MemorySink::write(ByteView chunk) {
  bytes.insert(bytes.end(), chunk.begin(), chunk.end());
  return {};
}

model::Nonce CountedNonces::draw() {
  Bytes random(whose_.begin(), whose_.begin() + model::kNonceBytes);
  random.back() = ++drawn_;
  return model::nonce_of(random);
}

EcuSim::EcuSim(EcuOrder order, UtcTime start)
    : clock(start),
      nonces("nonces/" + order.identity.serial.value()),
      order_(std::move(order)),
      key_("ecu/" + order_.identity.serial.value()),
      link_([this](const wire::Request& request) { return core_->handle(request); }) {
  uptime.stopped = !order_.has_clock;
  const Bytes image = to_bytes(order_.image);
  flash.at(client::Slot::A) = image;
  const client::ImageRecord record{{order_.image_name, image.size(), crypto::Hashes::of(image)},
                                   order_.release_counter};
  COTTER_ASSERT(floors.begin_anew());
  COTTER_ASSERT(client::SlotRecords(flash, {floors, order_.identity.serial}).confirm(record));
  COTTER_ASSERT(restart());
}

Result<void> EcuSim::restart() {
  ++uptime.boots;
  const client::EcuFloor floor{floors, order_.identity.serial};
  if (order_.slots == client::Slots::Two) {
    installer_ = std::make_unique<client::AbSlot>(flash, flash, floor);
  } else {
    installer_ = std::make_unique<client::SingleSlot>(flash, flash, floor);
  }
  core_ = std::make_unique<client::SecondaryCore>(
      order_.identity,
      client::EcuSeams{metadata_, *installer_, flash, {clock, uptime, nonces}, key_, floors});
  return core_->start();
}

Result<model::VerifiedReport> EcuSim::report() {
  const client::EcuStatus status = TRY(link_.report());
  return model::verify_report(TRY(json::read(status.report)), key_.public_key());
}

}  // namespace cotter::sim
