// EcuLink to an ECU in the same process, through real frames: for tests and simulations.
// Never hands a message over that did not pass the wire format. One thread.
#pragma once

#include <functional>
#include <utility>

#include "client/links/wire_link.h"

namespace cotter::client {

class LoopbackLink final : public WireLink {
 public:
  /// What answers, as SecondaryCore::handle does.
  using Ecu = std::function<wire::Reply(const wire::Request&)>;
  explicit LoopbackLink(Ecu ecu) : ecu_(std::move(ecu)) {}

 private:
  Result<wire::Reply> exchange(const wire::Request& request) override;
  Ecu ecu_;
};

}  // namespace cotter::client
