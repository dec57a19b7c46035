// Plays one scenario against a server, and judges: by what was answered, and by what the server then
// believes, which shows in whether it takes the next honest manifest and still serves the vehicle what it
// served before. Never plays a step that a scenario's height does not know. One thread.
#pragma once

#include <optional>
#include <string>

#include "tests/replay/server_floods.h"
#include "tests/replay/server_target.h"
#include "tests/replay/verdict.h"
#include "tests/scenarios/runner/scenario.h"

namespace cotter::replay {

class ServerPlayer {
 public:
  /// `assigned`: what the director wanted of the vehicle when the run began.
  ServerPlayer(Target& target, Drips& drips, std::string assigned);
  Verdict play(const scenario::Scenario& scenario);

 private:
  using Lapsed = std::optional<Finding>;

  Lapsed play_step(const std::string& verb, const json::Value& what);
  Lapsed manifest(const json::Value& what);
  Lapsed resend(const json::Value& what);
  Lapsed put(const json::Value& what);
  Lapsed register_ecus(const json::Value& what);
  Lapsed request(const json::Value& what);
  Lapsed bytes(const json::Value& what);
  Lapsed send_bytes(const std::string& sent, const json::Value& what);
  Lapsed endless_request(const json::Value& what);
  Lapsed drip(const json::Value& what);
  Lapsed flood_server(const json::Value& what);
  Lapsed hold(const json::Value& what);
  Lapsed expect();

  Lapsed judge(const std::string& sent, const HttpReply& reply, const json::Value& result);
  void note(std::string what);

  Target& target_;
  Drips& drips_;
  const std::string assigned_;
  std::string verb_;       ///< of the step that is played
  Bytes last_;             ///< the manifest that was accepted last
  bool believed_ = false;  ///< an honest manifest was taken, and nothing hostile has been sent since
  Verdict verdict_;
};

/// Why a scenario is not for this server as it was named; none: it is.
std::optional<std::string> not_for(const scenario::Scenario& scenario, const Target& target);

}  // namespace cotter::replay
