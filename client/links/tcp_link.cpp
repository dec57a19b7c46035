#include "client/links/tcp_link.h"

#include <charconv>
#include <utility>

namespace cotter::client {

Result<TcpAddress> parse_tcp_address(const std::string& text) {
  const auto colon = text.rfind(':');
  TcpAddress address;
  if (colon != std::string::npos) {
    address.host = text.substr(0, colon);
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data() + colon + 1, end, address.port);
    if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']') {
      address.host = address.host.substr(1, address.host.size() - 2);
    } else if (address.host.find(':') != std::string::npos) {
      address.host.clear();
    }
    if (address.host.find_first_of("[]") != std::string::npos) address.host.clear();
    if (error == std::errc() && rest == end && colon + 1 < text.size() && !address.host.empty()) {
      return address;
    }
  }
  return fault(Fault::Kind::Usage, "\"" + text + "\" is no address", "write HOST:PORT, as 127.0.0.1:8801");
}

namespace {

/// Whether a request stands alone. The others belong to an exchange, and make no sense on a new connection.
bool stands_alone(const wire::Request& request) {
  return !std::holds_alternative<wire::File>(request) && !std::holds_alternative<wire::Absent>(request) &&
         !std::holds_alternative<wire::Chunk>(request) && !std::holds_alternative<wire::TransferEnd>(request);
}

}  // namespace

TcpLink::TcpLink(TcpAddress address, TcpTimeouts timeouts)
    : address_(std::move(address)), timeouts_(timeouts) {}

Result<wire::Reply> TcpLink::exchange(const wire::Request& request) {
  auto reply = talk(request);
  // What comes after a failure would be the reply to something else: the next request connects anew.
  if (!reply) socket_.close();
  return reply;
}

Result<wire::Reply> TcpLink::talk(const wire::Request& request) {
  const auto hung_up = [&] {
    return fault(Fault::Kind::Network,
                 "the ECU at " + address_.host + ":" + std::to_string(address_.port) + " hung up",
                 "it restarted, or it could not make sense of what was sent");
  };
  // An ECU does not keep a silent connection for ever: between two exchanges that is no failure.
  if (stands_alone(request) && socket_.is_open() && socket_.hung_up()) socket_.close();
  if (!socket_.is_open()) {
    if (!stands_alone(request)) return hung_up();
    socket_ = TRY(Socket::connect(address_.host, address_.port, timeouts_.connect));
  }
  TRY(socket_.send(wire::encode(request), timeouts_.reply));
  const auto header_bytes = socket_.receive(wire::kHeaderSize, timeouts_.reply);
  if (!header_bytes) {
    if (!is_fault(header_bytes.error(), Fault::Kind::NotFound)) return fail(header_bytes.error());
    return hung_up();
  }
  const wire::Header header = TRY(wire::read_header(*header_bytes, wire::kMaxPayload));
  const Bytes payload = TRY(socket_.receive(header.length, timeouts_.reply));
  return wire::decode_reply(header.type, payload);
}

}  // namespace cotter::client
