// A forecast for others' programs: a calendar, a picture, figures for a monitoring system.
// Never needs anything to be shown but the file itself. Pure.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "server/app/forecast.h"

namespace cotter::app {

/// "2 of holder-1, holder-2, holder-3"; "operator"; "2 of holder-1, holder-2; and holder-4".
std::string who_acts(const Perishable& what);
/// "3 ECUs in 1 vehicle"; "no vehicle".
std::string reach_in_words(const storage::FleetCount& reach);

/// An iCalendar (RFC 5545): an event for each of `endings` that somebody must see to, with an alarm `warn`
/// ahead. `origin` is the workspace's own, of letters, digits, `-` and `.`: an event's UID is made of it and
/// of what ends, so that a later file moves the events of an earlier one.
std::string as_calendar(const std::vector<Ending>& endings, UtcTime now, std::chrono::seconds warn,
                        std::string_view origin);

/// An SVG of its own, without scripts: a bar for each, from `now` until `until` at most.
std::string as_timeline(const std::vector<Ending>& endings, UtcTime now, UtcTime until);

/// Prometheus's text format, for the textfile collector of node_exporter.
std::string as_metrics(const std::vector<Ending>& endings, UtcTime now);

}  // namespace cotter::app
