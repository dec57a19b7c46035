// The vehicle's bus in the attacker's hands: each ECU's socket, as the client under test opened it
// (schemas/secondary-protocol.md), and what is said to it. Never speaks for the ECU. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "client/links/socket.h"
#include "common/wire/messages.h"
#include "tests/replay/client.h"
#include "tests/scenarios/runner/stage.h"

namespace cotter::replay {

/// What came back: a reply, or the ECU hung up (nothing).
using BusReply = std::optional<wire::Reply>;

class Bus {
 public:
  Bus(Client& client, scenario::Stage& stage, std::filesystem::path vehicle, std::filesystem::path logs);

  /// A verb of height bus (schemas/scenario.schema.json) and `select`: the last reply to it; false in `known`
  /// when it is none. Faults: the client's command does not open the socket.
  Result<BusReply> play(const std::string& verb, const json::Value& what, bool& known);
  /// The signed report of an ECU, as text.
  Result<std::string> report(const std::string& serial);
  /// Power off: the next verb opens the sockets anew.
  void close() { ends_.clear(); }

 private:
  struct End {
    Child program;
    std::string host;
    std::uint16_t port = 0;
    client::Socket socket;
  };
  Result<End*> end_of(const std::string& serial);
  Result<BusReply> ask(End& end, const wire::Request& request);
  Result<BusReply> ask_raw(End& end, ByteView bytes);
  Result<BusReply> offer(End& end);
  Result<BusReply> stage_image(End& end, const json::Value& what);
  Result<BusReply> tell_the_time(End& end, const json::Value& what);
  Result<model::Nonce> nonce_of(End& end);
  [[nodiscard]] wire::Request wanted_file(const wire::Want& want) const;

  Client& client_;
  scenario::Stage& stage_;
  std::filesystem::path vehicle_;
  std::filesystem::path logs_;
  std::map<std::string, End> ends_;
};

}  // namespace cotter::replay
