// Files of people and programs on a host: configuration, key files, signing requests, vehicle records, what
// a stopped release has read. What
// is taken says what it says and nothing else, and no name in a file leads out of its folder.
#include <stdlib.h>

#include <filesystem>

#include "client/ecu/config.h"
#include "common/host/atomic_file.h"
#include "common/host/config.h"
#include "common/json/strict_reader.h"
#include "common/keystore/file_keystore.h"
#include "server/ceremony/offline_bundle.h"
#include "server/inventory/vehicle.h"
#include "server/repository/taken_record.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/program.h"

namespace cotter::fuzz {
namespace {

namespace fs = std::filesystem;

/// A folder of this process alone; in memory where the system has such a place.
const fs::path& folder() {
  static const fs::path path = [] {
    std::error_code error;
    const fs::path base = fs::is_directory("/dev/shm", error) ? "/dev/shm" : fs::temp_directory_path();
    std::string name = (base / "cotter-fuzz-XXXXXX").string();
    COTTER_ASSERT(::mkdtemp(name.data()) != nullptr);
    static const std::string remembered = name;
    std::atexit([] {
      std::error_code ignored;
      fs::remove_all(remembered, ignored);
    });
    return fs::path(name);
  }();
  return path;
}

void put(const fs::path& file, ByteView content) {
  std::FILE* out = std::fopen(file.c_str(), "wb");
  COTTER_ASSERT(out != nullptr);
  COTTER_ASSERT(std::fwrite(content.data(), 1, content.size(), out) == content.size());
  std::fclose(out);
}

bool is_usage(const Error& error) { return is_fault(error, Fault::Kind::Usage); }

void toml(ByteView input) {
  const auto config = host::Config::parse(as_text(input), "x.toml");
  if (!config) {
    COTTER_ASSERT(is_usage(config.error()));
    return;
  }
  for (const char* key : {"a", "a.b", "list", "ecu"}) {
    const auto text = config->find_string(key);
    const auto number = config->integer_or(key, 1, 1, 10);
    COTTER_ASSERT(text || is_usage(text.error()));
    COTTER_ASSERT(number ? *number >= 1 && *number <= 10 : is_usage(number.error()));
    // One kind of value at most.
    COTTER_ASSERT(!(text && *text && config->find_integer(key)));
    static_cast<void>(config->strings(key));
    static_cast<void>(config->bad_value(key, "is bad"));
  }
  if (const auto tables = config->tables("ecu")) {
    for (const host::Config& ecu : *tables) static_cast<void>(ecu.string("serial"));
  }
  const auto unknown = config->refuse_unknown();
  COTTER_ASSERT(unknown || is_usage(unknown.error()));
}

void ecu_config(ByteView input) {
  const fs::path file = folder() / "secondary.toml";
  put(file, input);
  put(folder() / "director-root.json", to_bytes("{}"));
  put(folder() / "image-root.json", to_bytes("{}"));
  const auto config = client::read_ecu_config(file);
  if (!config) return;
  COTTER_ASSERT(!config->identity.serial.value().empty() && !config->listen.host.empty());
  COTTER_ASSERT(config->limits.idle > std::chrono::milliseconds(0) &&
                config->limits.min_bytes_per_second > 0);
}

void key_file(ByteView input) {
  const fs::path keys = folder() / "keys";
  fs::create_directories(keys);
  put(keys / "image-root-1.key", input);
  const auto listed = keystore::list_keys(keys);
  if (!listed) return;
  COTTER_ASSERT(listed->size() == 1 && listed->front().name == "image-root-1");
  COTTER_ASSERT(listed->front().id == listed->front().key.computed_id());
}

void signing_request(ByteView input) {
  const fs::path file = folder() / "request.json";
  put(file, input);
  const auto bundle = ceremony::OfflineBundle::read(file);
  if (!bundle) return;
  COTTER_ASSERT(fs::path(bundle->file_name()).filename() == bundle->file_name());
  COTTER_ASSERT(bundle->write(folder()));
  const auto again = ceremony::OfflineBundle::read(folder() / bundle->file_name());
  COTTER_ASSERT(again && again->signed_part == bundle->signed_part && again->role == bundle->role);
  COTTER_ASSERT(again->version == bundle->version && again->threshold == bundle->threshold);
  COTTER_ASSERT(again->signatures.size() == bundle->signatures.size());
  std::error_code ignored;
  fs::remove(folder() / bundle->file_name(), ignored);
}

void vehicle_record(ByteView input) {
  const auto value = json::read(input);
  if (!value) return;
  const auto record = inventory::VehicleRecord::decode(*value);
  if (!record) return;
  const json::Value written = record->encode();
  const auto again = inventory::VehicleRecord::decode(written);
  COTTER_ASSERT(again && again->encode() == written);
}

/// A line is read for what it says once its sum is right: here it always is.
void taken_record(ByteView input) {
  const std::string line = to_hex(crypto::sha256(input)) + " " + std::string(as_text(input));
  const auto record = repository::TakenRecord::decode(line);
  if (!record) return;
  const std::size_t slash = record->copy.find('/');
  COTTER_ASSERT(record->copy.find_first_not_of("0123456789") == slash && slash != 0);
  COTTER_ASSERT(record->copy.find('/', slash + 1) == std::string::npos && record->copy.at(slash + 1) != '.');
  const std::string written = record->encode();
  if (written.size() > repository::TakenRecord::kMaxBytes) return;  // it had fewer escapes
  COTTER_ASSERT(repository::TakenRecord::decode(std::string_view(written).substr(0, written.size() - 1)) ==
                record);
}

}  // namespace

void one(ByteView input) {
  static constexpr void (*kFiles[])(ByteView) = {toml,           ecu_config,  key_file, signing_request,
                                                 vehicle_record, taken_record};
  Program program(input);
  const std::size_t which = program.below(std::size(kFiles));
  kFiles[which](program.rest());
}

}  // namespace cotter::fuzz
