// Everything that attested time is read from: the answer, the question, and what an ECU remembers. What
// decodes is written back as it was read, and no answer counts without a key that the input's author does not
// hold.
#include "common/crypto/secret.h"
#include "common/json/strict_reader.h"
#include "common/trust/secure_time.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {
namespace {

/// A source whose only key was made in this process and goes with it.
const model::TimeSource& honest_source() {
  static const model::TimeSource source = [] {
    const auto key = crypto::PublicKey::ed25519(crypto::Ed25519Pair::generate().public_key);
    model::TimeSource made;
    made.keys.emplace(key.computed_id(), key);
    made.role = {{key.computed_id()}, 1};
    return made;
  }();
  return source;
}

void attestation(ByteView wire) {
  trust::TimeState known;
  known.source = honest_source();
  trust::SecureTime time({}, known);
  const UtcTime before = time.latest(std::nullopt);
  const model::Nonce nonce = time.ask(model::Nonce("000102030405060708090a0b0c0d0e0f"));
  COTTER_ASSERT(!time.accept(Bytes(wire.begin(), wire.end()), std::nullopt));
  COTTER_ASSERT(time.latest(std::nullopt) == before && time.ask(model::Nonce()) == nonce);
  const auto tree = json::read(wire);
  if (!tree) return;
  const auto content = model::TimeAttestation::decode(*tree, model::Profile::Vehicle);
  if (!content) return;
  const auto again = model::TimeAttestation::decode(content->encode(), model::Profile::Vehicle);
  COTTER_ASSERT(again && again->encode() == content->encode());
}

void request(ByteView wire) {
  const auto asked = model::TimeRequest::read(wire);
  if (!asked) return;
  const auto again = model::TimeRequest::read(asked->wire());
  COTTER_ASSERT(again && again->nonces == asked->nonces && again->vin == asked->vin);
}

void state(ByteView wire) {
  const auto kept = trust::TimeState::decode(wire);
  if (!kept) return;
  const auto again = trust::TimeState::decode(kept->encode());
  COTTER_ASSERT(again && again->encode() == kept->encode());
}

}  // namespace

void one(ByteView input) {
  if (input.empty()) return;
  const ByteView wire = input.subspan(1);
  switch (input.front() % 3) {
    case 0:
      return attestation(wire);
    case 1:
      return request(wire);
    default:
      return state(wire);
  }
}

}  // namespace cotter::fuzz
