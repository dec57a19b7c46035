// What an ECU keeps in its own flash, when the flash holds anything at all: it starts, it says what it has,
// its reports are such that a director takes them, and what is written over a damaged record is read again.
#include <algorithm>

#include "client/install/floor_records.h"
#include "client/install/slot_records.h"
#include "client/secondary/packed_metadata.h"
#include "client/secondary/report_book.h"
#include "common/json/strict_reader.h"
#include "common/model/file_names.h"
#include "common/trust/time_state.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/program.h"
#include "tests/sim/ecu_sim.h"

namespace cotter::fuzz {
namespace {

const UtcTime kNow = *parse_utc("2030-01-01T00:00:00Z");

void time_state(ByteView record) {
  const auto state = trust::TimeState::decode(record);
  if (!state) return;
  const Bytes written = state->encode();
  const auto again = trust::TimeState::decode(written);
  COTTER_ASSERT(again && again->encode() == written);
}

/// What an installer keeps lies in one input, split at zero bytes; "floor" is where ECUs of before had
/// theirs.
void slot_records(ByteView input) {
  sim::Flash flash;
  for (const char* name : {"installed", "incoming", "floor", "installed-copy", "floors", "floors-copy"}) {
    const auto end = std::ranges::find(input, 0);
    const auto size = static_cast<std::size_t>(end - input.begin());
    COTTER_ASSERT(flash.save(name, input.first(size)));
    input = input.subspan(std::min(size + 1, input.size()));
  }
  client::FloorRecords floors(flash, "the flash");
  client::SlotRecords records(flash, {floors, EcuSerial("ecu1")});
  static_cast<void>(records.settle_floor());
  const auto confirmed = records.confirmed();
  const auto incoming = records.incoming();
  const auto floor = records.floor();
  COTTER_ASSERT(confirmed && incoming);
  if (*incoming) {
    COTTER_ASSERT(model::is_safe_target_name((*incoming)->record.image.name.value()));
    COTTER_ASSERT(records.save(**incoming));
    COTTER_ASSERT((*records.incoming())->record == (*incoming)->record);
  }
  if (*confirmed) {
    COTTER_ASSERT(model::is_safe_target_name((*confirmed)->image.name.value()));
    COTTER_ASSERT(!floor || *floor >= (*confirmed)->release_counter);
    COTTER_ASSERT(records.confirm(**confirmed).has_value() || !floor);
    COTTER_ASSERT(*records.confirmed() == *confirmed);
    COTTER_ASSERT(!floor || *records.floor() == *floor);
  }
}

void report_book(ByteView record) {
  static sim::SimKey key("reports");
  static const client::EcuIdentity identity{.vin = VehicleId("VIN1"),
                                            .serial = EcuSerial("ecu1"),
                                            .hardware_id = HardwareId("hw"),
                                            .verification = client::Verification::Full,
                                            .director_root = {},
                                            .image_root = {},
                                            .director_limits = {},
                                            .image_limits = {}};
  static const client::Running running{{TargetName("a.bin"), 1, crypto::Hashes::of(to_bytes("a"))},
                                       ReleaseCounter(1)};
  sim::Flash flash;
  COTTER_ASSERT(flash.save("report", record));
  client::FloorRecords floors(flash, "the flash");
  COTTER_ASSERT(floors.begin_anew());
  client::ReportBook book(flash, floors, identity.serial);
  COTTER_ASSERT(book.open(kNow));
  book.note({Repository::Director, "targets", RuleId::ThresholdNotMet, "", ""});
  std::uint64_t counter = 0;
  for (int i = 0; i < 2; ++i) {
    const auto document = book.report(identity, running, kNow, key);
    COTTER_ASSERT(document);
    const auto value = json::read(*document);
    COTTER_ASSERT(value);
    const auto verified = model::verify_report(*value, key.public_key());
    COTTER_ASSERT(verified && (*verified)->counter > counter);
    counter = (*verified)->counter;
  }
}

/// A role and a file of the input's own go in and come out, whatever lay there before.
void packed_metadata(ByteView record) {
  sim::Flash flash;
  COTTER_ASSERT(flash.save("director", record));
  client::PackedMetadata metadata(flash);
  const auto root = metadata.load(Repository::Director, RoleName("root"));
  COTTER_ASSERT(root && *metadata.load(Repository::Image, RoleName("root")) == std::nullopt);
  COTTER_ASSERT(!*root || (*root)->size() <= record.size());
  const trust::Effect effects[] = {trust::Store{RoleName("snapshot"), Version(1), to_bytes("new")},
                                   trust::Forget{RoleName("timestamp")}};
  COTTER_ASSERT(metadata.commit(Repository::Director, effects));
  COTTER_ASSERT(*metadata.load(Repository::Director, RoleName("snapshot")) == to_bytes("new"));
  COTTER_ASSERT(!*metadata.load(Repository::Director, RoleName("timestamp")));
  COTTER_ASSERT(*metadata.load(Repository::Director, RoleName("root")) == *root);
}

}  // namespace

void one(ByteView input) {
  static constexpr void (*kRecords[])(ByteView) = {time_state, slot_records, report_book, packed_metadata};
  Program program(input);
  const std::size_t which = program.below(std::size(kRecords));
  kRecords[which](program.rest());
}

}  // namespace cotter::fuzz
