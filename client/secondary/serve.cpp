#include "client/secondary/serve.h"

#include <algorithm>
#include <utility>

namespace cotter::client {
namespace {

std::chrono::milliseconds time_for(std::uint64_t bytes, const ServeLimits& limits) {
  return limits.frame +
         std::chrono::milliseconds(bytes * 1000 / std::max<std::uint64_t>(limits.min_bytes_per_second, 1));
}

/// The next request; an Error ends the connection, and a Rejection is the caller's fault.
Result<wire::Request> receive(const SecondaryCore& core, Socket& caller, const ServeLimits& limits) {
  const Bytes bytes = TRY(caller.receive(wire::kHeaderSize, limits.idle));
  const wire::Header header = TRY(wire::read_header(bytes, core.max_payload()));
  auto payload = caller.receive(header.length, time_for(header.length, limits));
  if (!payload && is_fault(payload.error(), Fault::Kind::Timeout)) {
    TRY(refuse(RuleId::TransferTooSlow, std::to_string(limits.min_bytes_per_second) + " bytes a second",
               "fewer"));
  }
  return wire::decode_request(header.type, TRY(std::move(payload)));
}

}  // namespace

void serve_caller(SecondaryCore& core, Socket caller, const ServeLimits& limits) {
  while (true) {
    const auto request = receive(core, caller, limits);
    if (!request) {
      const bool broke_a_rule = rejection_in(request.error()) != nullptr;
      core.disconnected(broke_a_rule ? &request.error() : nullptr);
      // It is told why, if it listens; after this the stream makes no sense any more.
      if (broke_a_rule)
        static_cast<void>(caller.send(wire::encode(wire::reply_of(request.error())), limits.frame));
      return;
    }
    const Bytes reply = wire::encode(core.handle(*request));
    if (!caller.send(reply, time_for(reply.size(), limits))) {
      core.disconnected();
      return;
    }
  }
}

Result<void> serve(SecondaryCore& core, Socket& listener, const ServeLimits& limits) {
  while (true) serve_caller(core, TRY(listener.accept()), limits);
}

}  // namespace cotter::client
