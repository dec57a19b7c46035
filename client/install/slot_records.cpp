#include "client/install/slot_records.h"

#include <algorithm>
#include <array>

#include "common/crypto/digest.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/trust/record_seal.h"

namespace cotter::client {
namespace {

constexpr std::string_view kInstalled = "installed";
constexpr std::string_view kInstalledCopy = "installed-copy";
constexpr std::string_view kIncoming = "incoming";
constexpr std::string_view kOldFloor = "floor";  // of the first ECUs, among the other records
constexpr std::size_t kPiece = 64 * 1024;

struct StageName {
  Incoming::Stage stage;
  std::string_view name;
};
constexpr std::array kStages{
    StageName{Incoming::Stage::Receiving, "receiving"}, StageName{Incoming::Stage::Staged, "staged"},
    StageName{Incoming::Stage::Trial, "trial"}, StageName{Incoming::Stage::Overwriting, "overwriting"}};

json::Object encode(const ImageRecord& record) {
  return json::Object{{"hashes", record.image.hashes.encode()},
                      {"length", json::Value(record.image.length)},
                      {"name", json::Value(record.image.name.value())},
                      {"release_counter", json::Value(record.release_counter.value())}};
}

Result<ImageRecord> decode_image(const json::ObjectView& view) {
  ImageRecord record;
  record.image.name = TargetName(TRY(view.string("name")));
  if (!model::is_safe_target_name(record.image.name.value())) {
    return fail(Rejection{std::nullopt, "", RuleId::TargetNameUnsafe, "an image's name", "another"});
  }
  record.image.length = TRY(view.integer("length"));
  record.image.hashes = TRY(crypto::Hashes::decode(*TRY(view.value("hashes"))));
  record.release_counter = ReleaseCounter(TRY(view.integer("release_counter")));
  return record;
}

Result<Incoming> decode_incoming(const json::ObjectView& view) {
  Incoming incoming{TRY(decode_image(view))};
  const std::string stage = TRY(view.string("stage"));
  const auto known = std::ranges::find(kStages, stage, &StageName::name);
  if (known == kStages.end()) {
    return fail(Rejection{std::nullopt, "", RuleId::MemberWrongKind, "a stage", "another word"});
  }
  incoming.stage = known->stage;
  incoming.slot = TRY(view.string("slot")) == "a" ? Slot::A : Slot::B;
  if (view.find("durable") != nullptr) incoming.durable = TRY(view.integer("durable"));
  return incoming;
}

/// Nothing for a record that is missing, and for one that cannot be read: an ECU must come back from both.
template <class Decode>
auto load(const StateStore& store, std::string_view name, Decode decode)
    -> Result<std::optional<typename decltype(decode(std::declval<json::ObjectView>()))::value_type>> {
  using Record = typename decltype(decode(std::declval<json::ObjectView>()))::value_type;
  const std::optional<Bytes> bytes = TRY(store.load(name));
  if (!bytes) return std::optional<Record>();
  const auto value = json::read(*bytes);
  if (!value) return std::optional<Record>();
  const auto view = json::ObjectView::of(*value, std::string(name));
  if (!view || !trust::is_whole(*view)) return std::optional<Record>();
  auto record = decode(*view);
  if (!record) return std::optional<Record>();
  return std::optional<Record>(std::move(*record));
}

Bytes sealed(json::Object object) {
  trust::seal(object);
  return to_bytes(json::to_text(json::Value(std::move(object))) + "\n");
}

template <class Sink>
Result<void> for_each_piece(const SlotMedium& medium, Slot slot, std::uint64_t bytes, Sink sink) {
  for (std::uint64_t offset = 0; offset < bytes;) {
    const auto max = static_cast<std::size_t>(std::min<std::uint64_t>(kPiece, bytes - offset));
    const Bytes piece = TRY(medium.read(slot, offset, max));
    if (piece.empty()) return fault(Fault::Kind::Io, "the slot ends before its size");
    TRY(sink(piece));
    offset += piece.size();
  }
  return {};
}

}  // namespace

ImageRecord ImageRecord::of(const Permit& permit) {
  return {{permit.name(), permit.target().length, permit.target().hashes}, permit.release_counter()};
}

model::Target ImageRecord::target() const {
  model::Target target;
  target.length = image.length;
  target.hashes = image.hashes;
  return target;
}

Result<std::optional<ImageRecord>> SlotRecords::confirmed() const {
  auto record = TRY(load(store_, kInstalled, decode_image));
  if (record) return record;
  return load(store_, kInstalledCopy, decode_image);
}

Result<std::optional<Incoming>> SlotRecords::incoming() const {
  return load(store_, kIncoming, decode_incoming);
}

Result<void> SlotRecords::settle_floor() {
  const bool old_is_here = TRY(store_.load(kOldFloor)).has_value();
  const auto old = TRY(load(store_, kOldFloor, [](const json::ObjectView& view) -> Result<ReleaseCounter> {
    return ReleaseCounter(TRY(view.integer("release_counter")));
  }));
  const auto installed = TRY(confirmed());
  const auto known = std::max(old, installed ? std::optional(installed->release_counter) : std::nullopt);
  const FloorName name = release_floor_of(floor_.ecu);
  if (!known) return {};
  if (old_is_here) {
    const auto kept = floor_.store.floor(name);
    if (!kept && is_fault(kept.error(), Fault::Kind::NotFound)) TRY(floor_.store.begin_anew());
    TRY(floor_.store.raise(name, known->value()));
    return store_.erase(kOldFloor);
  }
  // What has no floor gets none from here: an old record put back would then count as one.
  const auto kept = floor_.store.floor(name);
  return kept && *kept ? floor_.store.raise(name, known->value()) : Result<void>();
}

Result<ReleaseCounter> SlotRecords::floor() const {
  const auto kept = TRY(floor_.store.floor(release_floor_of(floor_.ecu)));
  if (!kept) {
    return fault(Fault::Kind::NotFound, "no rollback floor is recorded for ECU " + floor_.ecu.value(),
                 "let a workshop renew it by hand: cotter-secondary renew-floor");
  }
  const auto installed = TRY(confirmed());
  return std::max(ReleaseCounter(*kept), installed ? installed->release_counter : ReleaseCounter(0));
}

Result<void> SlotRecords::save(const Incoming& incoming) {
  json::Object object = encode(incoming.record);
  object.set("stage", json::Value(std::ranges::find(kStages, incoming.stage, &StageName::stage)->name));
  object.set("slot", json::Value(incoming.slot == Slot::A ? "a" : "b"));
  if (incoming.durable > 0) object.set("durable", json::Value(incoming.durable));
  // Of a transfer that has only begun nothing must survive: recover() takes it from the last checkpoint.
  if (incoming.stage == Incoming::Stage::Receiving && incoming.durable == 0) {
    return store_.save_soon(kIncoming, sealed(std::move(object)));
  }
  return store_.save(kIncoming, sealed(std::move(object)));
}

Result<void> SlotRecords::forget_incoming() { return store_.erase(kIncoming); }

Result<void> SlotRecords::confirm(const ImageRecord& record) {
  TRY(floor_.store.raise(release_floor_of(floor_.ecu), record.release_counter.value()));
  TRY(store_.save(kInstalled, sealed(encode(record))));
  return store_.save(kInstalledCopy, sealed(encode(record)));
}

Result<model::InstalledImage> measure(const SlotMedium& medium, Slot slot, TargetName name) {
  model::InstalledImage image;
  image.name = std::move(name);
  image.length = TRY(medium.size(slot));
  crypto::Hasher sha256(crypto::HashFunction::Sha256);
  crypto::Hasher sha512(crypto::HashFunction::Sha512);
  TRY(for_each_piece(medium, slot, image.length, [&](ByteView piece) -> Result<void> {
    sha256.update(piece);
    sha512.update(piece);
    return {};
  }));
  image.hashes.set(crypto::HashFunction::Sha256, sha256.finish());
  image.hashes.set(crypto::HashFunction::Sha512, sha512.finish());
  return image;
}

Result<void> check_slot(const SlotMedium& medium, Slot slot, std::uint64_t bytes, trust::ImageCheck& check) {
  return for_each_piece(medium, slot, bytes, [&](ByteView piece) { return check.write(piece); });
}

Result<void> check_whole_slot(const SlotMedium& medium, Slot slot, const ImageRecord& record) {
  trust::ImageCheck check(record.target());
  TRY(check_slot(medium, slot, TRY(medium.size(slot)), check));
  return check.finish();
}

Result<void> check_floor(ReleaseCounter floor, ReleaseCounter offered) {
  if (offered < floor) {
    TRY(refuse(RuleId::EcuReleaseCounterLower, std::to_string(floor.value()) + " or higher",
               std::to_string(offered.value())));
  }
  return {};
}

}  // namespace cotter::client
