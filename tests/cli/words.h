// What the tests of `cotter` as an operator meets it have in common: its exit codes, its passphrases, and how
// its JSON is read. Never for programs but the one in COTTER. One thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/json/strict_reader.h"
#include "tests/world/process.h"

namespace cotter {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kRefused = 3;
inline constexpr int kNotFound = 4;

inline json::Value parsed(const std::string& text) { return json::read(as_bytes(text)).value(); }
inline const json::Value& member(const json::Value& value, const char* name) {
  return *value.as_object()->find(name);
}
inline std::string text_of(const json::Value& value, const char* name) {
  return *member(value, name).as_string();
}
inline bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// `cotter` with these arguments, the passphrases of workspace and holders at hand.
inline world::Command cotter_command(std::vector<std::string> arguments) {
  return {.program = COTTER,
          .arguments = std::move(arguments),
          .environment = {{"COTTER_PASSPHRASE", "the workspace's words"},
                          {"COTTER_PASSPHRASE_HOLDER", "a holder's own words"}},
          .log = {}};
}
inline world::Ended run_cotter(std::vector<std::string> arguments) {
  return world::run(cotter_command(std::move(arguments))).value();
}

}  // namespace cotter
