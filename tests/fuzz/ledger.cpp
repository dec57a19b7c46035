// What the ledger reads from outside: signed notes, checkpoints, verifier keys, entries and proofs. What
// decodes is written back as it was read, and nothing counts as signed without a key that the input's author
// does not hold.
#include "common/crypto/secret.h"
#include "common/json/canonical.h"
#include "server/ledger/proof.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {
namespace {

/// Made in this process, and gone with it.
const ledger::VerifierKey& honest_key() {
  static const auto key =
      ledger::verifier_key(crypto::PublicKey::ed25519(crypto::Ed25519Pair::generate().public_key)).value();
  return key;
}

void note(ByteView wire) {
  COTTER_ASSERT(!ledger::open_note(as_text(wire), honest_key()));
  COTTER_ASSERT(!ledger::open_checkpoint(as_text(wire), honest_key()));
}

void checkpoint(ByteView wire) {
  const auto read = ledger::parse_checkpoint(as_text(wire));
  if (read) COTTER_ASSERT(ledger::checkpoint_text(*read) == as_text(wire));
}

void verifier_key(ByteView wire) {
  const auto key = ledger::VerifierKey::parse(as_text(wire));
  if (key) COTTER_ASSERT(key->text() == as_text(wire));
}

void entry(ByteView wire) {
  const auto read = ledger::Entry::decode(wire);
  if (!read) return;
  const auto written = read->encode();
  COTTER_ASSERT(written && as_text(*written) == as_text(wire));
}

void proof(ByteView wire) {
  const auto read = ledger::Proof::decode(wire);
  if (!read) return;
  COTTER_ASSERT(!read->verify(honest_key()));
  const std::string text = json::to_text(read->encode());
  const auto again = ledger::Proof::decode(as_bytes(text));
  COTTER_ASSERT(again && again->encode() == read->encode());
}

}  // namespace

void one(ByteView input) {
  if (input.empty()) return;
  const ByteView wire = input.subspan(1);
  switch (input.front() % 5) {
    case 0:
      return note(wire);
    case 1:
      return checkpoint(wire);
    case 2:
      return verifier_key(wire);
    case 3:
      return entry(wire);
    default:
      return proof(wire);
  }
}

}  // namespace cotter::fuzz
