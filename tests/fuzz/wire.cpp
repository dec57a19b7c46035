// Frames between primary and secondary: a message that decodes has one spelling, and it is the one that came.
#include <algorithm>

#include "common/wire/frame.h"
#include "common/wire/messages.h"
#include "tests/fuzz/fuzz.h"

namespace cotter::fuzz {

void one(ByteView input) {
  if (input.size() < wire::kHeaderSize) return;
  const auto header = wire::read_header(input.first(wire::kHeaderSize), wire::kMaxPayload);
  if (!header || input.size() - wire::kHeaderSize < header->length) return;
  const ByteView frame = input.first(wire::kHeaderSize + header->length);
  const ByteView payload = frame.subspan(wire::kHeaderSize);
  if (const auto request = wire::decode_request(header->type, payload)) {
    COTTER_ASSERT(std::ranges::equal(wire::encode(*request), frame));
  }
  if (const auto reply = wire::decode_reply(header->type, payload)) {
    COTTER_ASSERT(std::ranges::equal(wire::encode(*reply), frame));
    // An error that came over the wire can be handed on as the same error, where this build knows its rule.
    if (const auto* refused = std::get_if<wire::Refused>(&*reply)) {
      const Error error = wire::error_of(*refused);
      const bool known = rule_named(refused->rule).has_value();
      COTTER_ASSERT(known == (rejection_in(error) != nullptr));
      if (!known) return;
      const wire::Reply again = wire::reply_of(error);
      COTTER_ASSERT(wire::encode(wire::reply_of(wire::error_of(std::get<wire::Refused>(again)))) ==
                    wire::encode(again));
    }
  }
}

}  // namespace cotter::fuzz
