#include "client/links/loopback_link.h"

namespace cotter::client {

Result<wire::Reply> LoopbackLink::exchange(const wire::Request& request) {
  constexpr std::uint32_t kNoLimit = 64 * 1024 * 1024;
  const Bytes asked = wire::encode(request);
  const wire::Header header = TRY(wire::read_header(ByteView(asked).first(wire::kHeaderSize), kNoLimit));
  const wire::Request arrived =
      TRY(wire::decode_request(header.type, ByteView(asked).subspan(wire::kHeaderSize)));
  const Bytes answered = wire::encode(ecu_(arrived));
  const wire::Header back = TRY(wire::read_header(ByteView(answered).first(wire::kHeaderSize), kNoLimit));
  return wire::decode_reply(back.type, ByteView(answered).subspan(wire::kHeaderSize));
}

}  // namespace cotter::client
