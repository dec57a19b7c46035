#include "client/install/floor_records.h"

#include <algorithm>
#include <array>

#include "common/crypto/digest.h"
#include "common/disk/files.h"
#include "common/json/canonical.h"
#include "common/json/object_view.h"
#include "common/json/strict_reader.h"

namespace cotter::client {
namespace {

constexpr std::array<std::string_view, 2> kCopies{"floors", "floors-copy"};
constexpr std::uint64_t kReservedAtOnce = 1024;
constexpr const char* kWayOut =
    "put a whole copy back, or let a workshop renew it by hand: cotter-primary renew-floors, "
    "cotter-secondary "
    "renew-floor";

using Table = std::map<FloorName, std::uint64_t>;

json::Value floors_of(const Table& table) {
  json::Object floors;
  for (const auto& [name, number] : table) floors.set(name.value(), json::Value(number));
  return json::Value(std::move(floors));
}

Bytes checksum_of(const json::Value& floors) { return crypto::sha256(json::canonical(floors)); }

Result<Table> decode(ByteView record) {
  const json::Value document = TRY(json::read(record));
  const auto view = TRY(json::ObjectView::of(document, "floors"));
  const json::Value& floors = *TRY(view.value("floors"));
  if (TRY(view.string("sha256")) != to_hex(checksum_of(floors))) {
    return fault(Fault::Kind::Io, "the checksum is another's");
  }
  const auto members = TRY(json::ObjectView::of(floors, "floors"));
  Table table;
  for (const auto& [name, number] : *floors.as_object()) {
    table[FloorName(name)] = TRY(members.integer(name));
  }
  return table;
}

void raise_to(Table& table, const Table& other) {
  for (const auto& [name, number] : other) table[name] = std::max(table[name], number);
}

}  // namespace

Result<std::uint64_t> ReservedCounter::next(std::uint64_t above) {
  last_ = std::max(last_, above);
  if (last_ >= reserved_) {
    last_ = std::max(last_, TRY(store_.floor(name_)).value_or(0));
    TRY(store_.raise(name_, last_ + kReservedAtOnce));
    reserved_ = last_ + kReservedAtOnce;
  }
  return ++last_;
}

Result<FloorRecords::Copies> FloorRecords::copies() const {
  Copies copies;
  for (const std::string_view name : kCopies) {
    const auto record = store_.load(name);
    // A copy on a worn-out block is as good as a damaged one: the other is there for that.
    if (!record && !is_fault(record.error(), Fault::Kind::Io)) return fail(record.error());
    if (record && !*record) continue;
    auto table = record ? decode(**record) : Result<Table>(fail(record.error()));
    if (table) {
      copies.whole.push_back(*std::move(table));
    } else {
      copies.damaged = true;
    }
  }
  return copies;
}

Result<FloorRecords::Kept> FloorRecords::read() const {
  const Copies found = TRY(copies());
  if (found.whole.empty()) {
    return found.damaged
               ? fault(Fault::Kind::Io, "the rollback floors in " + place_ + " are damaged", kWayOut)
               : fault(Fault::Kind::NotFound, "no rollback floors are kept in " + place_, kWayOut);
  }
  const Table& one = found.whole.front();
  const Table& other = found.whole.back();
  Kept kept{one, found.whole.size() == kCopies.size() && one == other};
  raise_to(kept.table, other);
  return kept;
}

Result<void> FloorRecords::write(const Table& table) {
  const json::Value floors = floors_of(table);
  const json::Value document(json::Object{{"floors", floors}, {"sha256", to_hex(checksum_of(floors))}});
  const std::string text = json::to_text(document) + "\n";
  // One after the other: a power cut leaves at least one of them whole.
  for (const std::string_view name : kCopies) TRY(store_.save(name, as_bytes(text)));
  return {};
}

Result<std::optional<std::uint64_t>> FloorRecords::floor(const FloorName& name) const {
  const Kept kept = TRY(read());
  const auto found = kept.table.find(name);
  return found == kept.table.end() ? std::optional<std::uint64_t>() : std::optional(found->second);
}

Result<void> FloorRecords::raise(const FloorName& name, std::uint64_t to) {
  Kept kept = TRY(read());
  const auto [place, is_new] = kept.table.emplace(name, to);
  if (kept.twice && !is_new && place->second >= to) return {};
  place->second = std::max(place->second, to);
  return write(kept.table);
}

Result<void> FloorRecords::begin_anew() {
  if (!TRY(copies()).whole.empty()) {
    return fault(Fault::Kind::Conflict, "the rollback floors in " + place_ + " can be read",
                 "leave them alone");
  }
  return write({});
}

Result<void> FloorFiles::begin_anew() {
  TRY(disk::make_folders(disk_, dir_));
  return records_.begin_anew();
}

}  // namespace cotter::client
