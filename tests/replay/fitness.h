// Which scenarios can be put to which client: by protocol, by height, by what the client declares. Pure.
#pragma once

#include <optional>
#include <string>

#include "tests/replay/client.h"
#include "tests/scenarios/runner/scenario.h"

namespace cotter::replay {

/// Why a scenario cannot be put to such a client; nothing when it can. Not asked of one that waits.
std::optional<std::string> unfit(const scenario::Scenario& scenario, Protocol protocol,
                                 const Abilities& abilities);

/// Whether the ECUs are asked over the bus, and not by way of their primary.
bool is_for_the_bus(const scenario::Scenario& scenario);

/// Whether it asks ECUs what only one with a spare slot can be asked: to stage an image, and then to commit
/// it.
bool needs_a_spare_slot(const scenario::Scenario& scenario);

/// Whether the vehicle is told the time by a source that is part of the scenario.
bool is_about_attested_time(const scenario::Scenario& scenario);

/// Whether it is played against servers and nobody else.
bool is_for_servers(const scenario::Scenario& scenario);

/// "uptane", "tuf", "bus", "server": to whom a scenario can be put, if it declares all that there is.
std::vector<std::string> addressees(const scenario::Scenario& scenario);

}  // namespace cotter::replay
