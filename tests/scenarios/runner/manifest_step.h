// What a "manifest" step makes a vehicle say: read in one place, for the director in memory and for real
// servers. Never holds a key: whoever speaks lends his by number. Values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "common/crypto/signer.h"
#include "common/model/manifest.h"
#include "server/inventory/vehicle.h"
#include "tests/scenarios/runner/scenario.h"

namespace cotter::scenario {

/// One ECU's report before it is signed.
struct EcuWord {
  model::VersionReport says;
  std::uint64_t key = 0;  ///< that signs it
};

/// A manifest before it is signed.
struct VehicleWord {
  model::VehicleManifest manifest;  ///< but for its reports
  std::map<std::string, EcuWord> reports;
  std::uint64_t key = 0;  ///< the primary's
};

using KeyByNumber = std::function<std::unique_ptr<crypto::Signer>(std::uint64_t)>;

/// What an honest vehicle says that runs what its factory put in. Its ECUs' keys count from `first_key`, the
/// primary's is the first.
VehicleWord honest_word(const inventory::VehicleRecord& record, std::uint64_t first_key,
                        std::uint64_t counter, UtcTime now);

/// `word` with what the step changes in it, signed, and then with what the step changes in the bytes.
Bytes spoken(VehicleWord word, const json::Value& step, const KeyByNumber& key);

}  // namespace cotter::scenario
