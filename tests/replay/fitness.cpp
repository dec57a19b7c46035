#include "tests/replay/fitness.h"

#include <algorithm>
#include <set>

#include "common/base/error.h"

namespace cotter::replay {
namespace {

using scenario::at;
using scenario::find;
using scenario::Scenario;
using scenario::text;
using scenario::verb_of;

bool has_height(const Scenario& scenario, const char* height) {
  return std::ranges::count(scenario.heights, height) > 0;
}

bool has_verb(const Scenario& scenario, const char* verb) {
  return std::ranges::any_of(scenario.steps,
                             [&](const json::Value& step) { return verb_of(step).key == verb; });
}

/// Whether a string anywhere in `value` begins like this.
bool mentions(const json::Value& value, std::string_view beginning) {
  if (const auto* string = value.as_string()) return string->starts_with(beginning);
  if (const auto* array = value.as_array()) {
    return std::ranges::any_of(*array, [&](const json::Value& each) { return mentions(each, beginning); });
  }
  const auto* object = value.as_object();
  return object != nullptr && std::ranges::any_of(*object, [&](const json::Member& member) {
           return member.key.starts_with(beginning) || mentions(member.value, beginning);
         });
}

// --- a vehicle --------------------------------------------------------------------------------------------

/// What a step asks of a client besides the cycle, as the client declares it.
std::optional<std::string> needed(const json::Member& step) {
  static const std::map<std::string, std::string, std::less<>> needs = {
      {"damage", "damage"}, {"time-source", "time"}, {"attest", "time"}, {"alter-slot", "alter-slot"}};
  const auto found = needs.find(step.key);
  return found == needs.end() ? std::nullopt : std::optional(found->second);
}

/// Programs that stand for ECUs count time by the kit's machine: they all have a clock, and never see it
/// start anew.
std::optional<std::string> unfit_for_true_clocks(const Scenario& scenario) {
  if (has_verb(scenario, "restart")) return std::string("needs an ECU whose clock can start anew");
  const bool without_clock = std::ranges::any_of(scenario.steps, [](const json::Value& step) {
    const json::Member& verb = verb_of(step);
    return verb.key == "offer" && text(verb.value, "ecu") == "DOOR" &&
           mentions(at(verb.value, "result"), "time-not-attested");
  });
  if (without_clock) return std::string("needs an ECU without a clock");
  return std::nullopt;
}

std::optional<std::string> unfit_for_vehicle(const Scenario& scenario, const Abilities& abilities) {
  static const std::set<std::string, std::less<>> inside = {"lose-report", "unplug", "cut-power"};
  for (const json::Value& step : scenario.steps) {
    const json::Member& verb = verb_of(step);
    if (inside.contains(verb.key)) return "needs a hand inside the vehicle (" + verb.key + ")";
    if (verb.key == "restart" && !is_for_the_bus(scenario) && !abilities.has("restart")) {
      return std::string("needs the ability \"restart\"");
    }
    const auto ability = needed(verb);
    if (ability && !abilities.has(*ability)) return "needs the ability \"" + *ability + "\"";
  }
  if (is_for_the_bus(scenario) && !abilities.has("bus")) return std::string("needs the ability \"bus\"");
  if (is_for_the_bus(scenario) && is_about_attested_time(scenario)) return unfit_for_true_clocks(scenario);
  return std::nullopt;
}

// --- a plain TUF client -----------------------------------------------------------------------------------

/// Rules that every TUF client has: those of its specification, and that bytes which are no JSON are no
/// metadata. Not those by which a vehicle is stricter than it: TUF lets a target have any name, goes without
/// consistent snapshots, and calls a timestamp of the same version no news (5.4.3.1).
bool is_of_tuf(const std::string& rule) {
  static const std::set<std::string, std::less<>> besides = {"json-malformed", "match-image-unknown"};
  static const std::set<std::string, std::less<>> stricter = {
      "target-name-unsafe", "role-name-unsafe", "consistent-snapshot-off", "timestamp-same-version-differs"};
  if (besides.contains(rule)) return true;
  const auto id = rule_named(rule);
  return id && !rule_of(*id).tuf.empty() && !stricter.contains(rule);
}

/// Whether several images are wanted and one must hold back the others: there are no such sets in TUF.
bool is_about_a_set(const Scenario& scenario) {
  std::set<std::string> ecus;
  bool refused = false;
  for (const json::Value& step : scenario.steps) {
    const json::Member& verb = verb_of(step);
    if (verb.key == "release" || verb.key == "assign") ecus.insert(text(verb.value, "ecu"));
    refused = refused || (verb.key == "cycle" && verb.value.as_object() != nullptr);
  }
  return refused && ecus.size() > 1;
}

/// What concerns the image repository alone.
bool is_of_image_side(const json::Member& step) {
  static const std::set<std::string, std::less<>> verbs = {
      "release", "publish-image", "assign", "publish", "set",         "rotate", "keys", "delegate",
      "advance", "remember",      "replay", "forge",   "serve-bytes", "flip",   "hide", "break",
      "damage",  "serve-image",   "cycle",  "find",    "expect",      "road"};
  if (!verbs.contains(step.key)) return false;
  // Hardware ids are Uptane's; a client of TUF knows nothing of them.
  if (step.value.as_object() != nullptr && find(step.value, "hardware") != nullptr) return false;
  if (step.key == "damage" && *step.value.as_string() == "image/root")
    return false;  // there it is its only anchor
  return step.key == "expect" || (!mentions(step.value, "director/") && !mentions(step.value, "director"));
}

std::optional<std::string> unfit_for_tuf(const Scenario& scenario) {
  if (!has_height(scenario, "core") && !has_height(scenario, "primary") && !has_height(scenario, "outside")) {
    return std::string("is for vehicles");
  }
  if (!has_verb(scenario, "cycle") && !has_verb(scenario, "find")) return std::string("is for vehicles");
  if (!scenario.rule.empty() && !is_of_tuf(scenario.rule))
    return "is about a rule of Uptane's (" + scenario.rule + ")";
  if (is_about_a_set(scenario)) return std::string("is about a set of images");
  for (const json::Value& step : scenario.steps) {
    const json::Member& verb = verb_of(step);
    if (!is_of_image_side(verb)) return "is about more than one repository (" + verb.key + ")";
    if (verb.key != "cycle" || verb.value.as_object() == nullptr) continue;
    const json::Value* rule = find(verb.value, "reject");
    if (rule != nullptr && !is_of_tuf(*rule->as_string()))
      return "is about a rule of Uptane's (" + *rule->as_string() + ")";
  }
  return std::nullopt;
}

}  // namespace

bool is_for_the_bus(const Scenario& scenario) {
  if (has_height(scenario, "primary") || has_height(scenario, "outside")) return false;
  return has_height(scenario, "bus") || has_verb(scenario, "select");
}

bool is_about_attested_time(const Scenario& scenario) { return has_verb(scenario, "time-source"); }

bool is_for_servers(const Scenario& scenario) {
  return !scenario.heights.empty() && std::ranges::all_of(scenario.heights, [](const std::string& height) {
    return height == "director" || height == "server";
  });
}

std::optional<std::string> unfit(const Scenario& scenario, Protocol protocol, const Abilities& abilities) {
  if (is_for_servers(scenario)) return std::string("is for servers");
  if (protocol == Protocol::Tuf) return unfit_for_tuf(scenario);
  if (!is_for_the_bus(scenario) && !has_height(scenario, "primary") && !has_height(scenario, "outside")) {
    return std::string("is played in memory only");
  }
  return unfit_for_vehicle(scenario, abilities);
}

bool needs_a_spare_slot(const Scenario& scenario) {
  return is_for_the_bus(scenario) && std::ranges::any_of(scenario.steps, [](const json::Value& step) {
           const json::Member& verb = verb_of(step);
           if (verb.key == "message") {
             const std::string kind = text(verb.value, "kind");
             return kind == "commit" || kind == "backup";
           }
           // What is refused for its name is refused by every ECU; its bytes are judged when they are staged.
           return verb.key == "stage" && (at(verb.value, "result").as_string() != nullptr ||
                                          mentions(at(verb.value, "result"), "image-"));
         });
}

std::vector<std::string> addressees(const Scenario& scenario) {
  std::vector<std::string> all;
  if (scenario.waiting()) return all;
  const Abilities every{"", {"alter-slot", "bus", "damage", "restart", "time"}};
  if (!unfit(scenario, Protocol::Uptane, every))
    all.emplace_back(is_for_the_bus(scenario) ? "bus" : "uptane");
  if (!unfit(scenario, Protocol::Tuf, every)) all.emplace_back("tuf");
  if (has_height(scenario, "director") || has_height(scenario, "server")) all.emplace_back("server");
  return all;
}

}  // namespace cotter::replay
