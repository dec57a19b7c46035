// Vehicle version manifests and ECU version reports: nothing verifies under a key that the input's author
// does not hold, and what decodes is written back as it was read.
#include "common/model/manifest.h"

#include "common/crypto/secret.h"
#include "common/json/strict_reader.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {
namespace {

const crypto::PublicKey& key() {
  static const crypto::PublicKey key = crypto::PublicKey::ed25519(crypto::Ed25519Pair::generate().public_key);
  return key;
}

template <class T>
void round_trip(const json::Value& value) {
  const auto content = T::decode(value);
  if (!content) return;
  const json::Value written = content->encode();
  const auto again = T::decode(written);
  COTTER_ASSERT(again && again->encode() == written);
}

}  // namespace

void one(ByteView input) {
  const auto value = json::read(input);
  if (!value) return;
  COTTER_ASSERT(!model::verify_manifest(*value, key()));
  COTTER_ASSERT(!model::verify_report(*value, key()));
  round_trip<model::VehicleManifest>(*value);
  round_trip<model::VersionReport>(*value);
}

}  // namespace cotter::fuzz
