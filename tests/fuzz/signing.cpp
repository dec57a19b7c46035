// What the signing process reads from its callers: requests, and canonical JSON to be signed. What decodes is
// written back as it was read, byte for byte where it is to be signed. And what callers read: its answers.
#include "common/json/canonical.h"
#include "server/signing/canonical_reader.h"
#include "server/signing/protocol.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {
namespace {

ByteView payload_of(const Bytes& frame) { return ByteView(frame).subspan(signing::kLengthBytes); }

void request(ByteView wire) {
  const auto read = signing::decode_request(wire);
  if (!read) return;
  const auto again = signing::decode_request(payload_of(signing::encode(*read)));
  COTTER_ASSERT(again && *again == *read);
}

void answer(ByteView wire) {
  const auto read = signing::decode_answer(wire);
  if (!read) return;
  const auto again = signing::decode_answer(payload_of(signing::encode(*read)));
  COTTER_ASSERT(again && again->index() == read->index());
}

void canonical(ByteView wire) {
  const auto read = signing::read_canonical(wire);
  if (!read) return;
  COTTER_ASSERT(as_text(json::canonical(*read)) == as_text(wire));
}

}  // namespace

void one(ByteView input) {
  if (input.empty()) return;
  const ByteView wire = input.subspan(1);
  switch (input.front() % 3) {
    case 0:
      return request(wire);
    case 1:
      return answer(wire);
    default:
      return canonical(wire);
  }
}

}  // namespace cotter::fuzz
