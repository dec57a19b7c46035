// Valid documents to start from, and ways to spoil them: what the model's tests share.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "common/base/bytes.h"
#include "common/crypto/digest.h"
#include "common/crypto/public_key.h"
#include "common/crypto/secret.h"
#include "common/json/canonical.h"
#include "common/json/strict_reader.h"
#include "common/json/value.h"
#include "tests/unit/common/expect_rule.h"

namespace cotter::json {
/// What GoogleTest prints where two documents differ.
inline void PrintTo(const Value& value, std::ostream* out) { *out << to_text(value); }
}  // namespace cotter::json

namespace cotter::test {

inline json::Value parse(std::string_view text) { return json::read(as_bytes(text)).value(); }

inline crypto::Ed25519Pair pair(std::uint8_t number) {
  Bytes seed(32, number);
  return crypto::Ed25519Pair::from_seed(crypto::Secret::taking(seed));
}
inline crypto::PublicKey public_key(std::uint8_t number) {
  return crypto::PublicKey::ed25519(pair(number).public_key);
}

/// What this role's reader says of a document, as verdict() spells it: as any TUF client, and as a vehicle.
template <class Role>
std::string tuf(const json::Value& document) {
  return verdict(Role::decode(document, crypto::Profile::Tuf));
}
template <class Role>
std::string vehicle(const json::Value& document) {
  return verdict(Role::decode(document, crypto::Profile::Vehicle));
}

/// Member names and array positions from the top down.
using Path = std::vector<std::string>;

/// What stands at `path`, which must exist.
inline json::Value& at(json::Value& document, const Path& path) {
  json::Value* value = &document;
  for (const std::string& step : path) {
    if (json::Array* array = value->as_array()) {
      value = &array->at(static_cast<std::size_t>(std::stoul(step)));
    } else {
      value = value->as_object()->find(step);
    }
  }
  return *value;
}

/// `document` with `value` at `path`; its parent must exist.
inline json::Value changed(json::Value document, Path path, json::Value value) {
  const std::string last = path.back();
  path.pop_back();
  json::Value& parent = at(document, path);
  if (json::Array* array = parent.as_array()) {
    array->at(static_cast<std::size_t>(std::stoul(last))) = std::move(value);
  } else {
    parent.as_object()->set(last, std::move(value));
  }
  return document;
}

inline json::Value without(json::Value document, Path path) {
  const std::string last = path.back();
  path.pop_back();
  at(document, path).as_object()->erase(last);
  return document;
}

/// Keys "k1" to "k3": key ids are opaque to a reader (FMT-21).
inline json::Value keys() {
  return json::Object{
      {"k1", public_key(1).encode()}, {"k2", public_key(2).encode()}, {"k3", public_key(3).encode()}};
}

inline json::Value root() {
  json::Value document =
      parse(R"({"_type":"root","spec_version":"1.0.34","version":3,"expires":"2027-01-31T00:00:00Z",
    "consistent_snapshot":true,"x-note":"kept",
    "roles":{"root":{"keyids":["k1","k2"],"threshold":2,"x-note":1},"targets":{"keyids":["k3"],"threshold":1},
             "snapshot":{"keyids":["k3"],"threshold":1},"timestamp":{"keyids":["k3"],"threshold":1},
             "x-time-source":{"keyids":["k1"],"threshold":1}}})");
  return changed(document, {"keys"}, keys());
}

inline std::string sha256_of_nothing() { return to_hex(crypto::sha256({})); }

inline json::Value timestamp() {
  json::Value document = parse(R"({"_type":"timestamp","spec_version":"1.0.34","version":91,
    "expires":"2027-01-31T00:00:00Z","vin":"WDB123","x-note":[1],
    "meta":{"snapshot.json":{"version":61,"length":1007,"hashes":{},"x-note":2}}})");
  return changed(document, {"meta", "snapshot.json", "hashes"},
                 json::Object{{"sha256", sha256_of_nothing()}});
}

inline json::Value snapshot() {
  json::Value document = parse(R"({"_type":"snapshot","spec_version":"1.0.34","version":61,
    "expires":"2027-01-31T00:00:00Z","vin":"WDB123","x-note":null,
    "meta":{"root.json":{"version":1},"targets.json":{"version":14,"length":2210,"hashes":{}},
            "supplier-bosch.json":{"version":3,"x-note":true}}})");
  return changed(document, {"meta", "targets.json", "hashes"}, json::Object{{"sha256", sha256_of_nothing()}});
}

inline json::Value targets() {
  json::Value document = parse(R"({"_type":"targets","spec_version":"1.0.34","version":14,
    "expires":"2027-01-31T00:00:00Z","vin":"WDB123","custom":{"correlationId":"urn:1"},
    "targets":{
      "supplier-bosch/brake-4.2.bin":{"length":1048576,"hashes":{},"x-note":"kept",
        "custom":{"mustMatch":{"hardwareIds":["brake-mk4"],"releaseCounter":42,"requires":[]},"name":"brake",
                  "ecuIdentifiers":{"ECU-0007":{"hardwareId":"brake-mk4"}}}},
      "plain.bin":{"length":0,"hashes":{}}},
    "delegations":{"x-note":{"a":1},"roles":[
      {"name":"supplier-bosch","keyids":["k1","k2"],"threshold":2,"paths":["supplier-bosch/*"],
       "x-hardwareIds":["brake-mk4"],"terminating":true,"x-note":"kept"},
      {"name":"hashed","keyids":["k3"],"threshold":1,"path_hash_prefixes":["00","4216"],"terminating":false}]}})");
  const json::Object hashes{{"blake3", "c0ffee"}, {"sha256", sha256_of_nothing()}};
  document = changed(document, {"targets", "supplier-bosch/brake-4.2.bin", "hashes"}, hashes);
  document = changed(document, {"targets", "plain.bin", "hashes"}, hashes);
  return changed(document, {"delegations", "keys"}, keys());
}

/// Delegates to hashed bins (TAP 15) instead.
inline json::Value targets_with_bins() {
  return changed(without(targets(), {"delegations", "roles"}), {"delegations", "succinct_roles"},
                 parse(R"({"keyids":["k1"],"threshold":1,"bit_length":10,"name_prefix":"bin","x-note":3})"));
}

inline json::Value report() {
  json::Value document = parse(R"({"_type":"ecu-report","vin":"WDB123","ecu_serial":"ECU-0007",
    "installed_image":{"filepath":"supplier-bosch/brake-4.1.bin","fileinfo":{"length":1040000,"hashes":{}}},
    "attacks_detected":"director/targets:targets-expired","previous_timeserver_time":"2026-11-21T04:00:00Z",
    "timeserver_time":"2026-11-22T04:00:00Z","report_counter":57,"director_targets_version":77,"release_counter":41,
    "nonce":"c0ffee","custom":{"operation_result":{"result_code":0}}})");
  return changed(document, {"installed_image", "fileinfo", "hashes"},
                 json::Object{{"sha256", sha256_of_nothing()}});
}

inline json::Value manifest() {
  return parse(
      R"({"_type":"vehicle-manifest","vin":"WDB123","primary_ecu_serial":"PRI-1","manifest_counter":118,
    "ecu_version_manifests":{"ECU-0007":{"signatures":[],"signed":{}}},"missing":{"ECU-0008":"no answer"},
    "rejected":{"ECU-0009":"not even an object"},"x-note":"kept",
    "installation_report":{"content_type":"x","items":[]}})");
}

}  // namespace cotter::test
