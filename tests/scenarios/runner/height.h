// The heights at which a scenario is played: the core in memory, the whole primary in a process, one ECU
// under a primary that belongs to the attacker, the director under a vehicle that does. Never differs between
// heights in what a scenario means. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "common/base/result.h"
#include "common/model/manifest.h"
#include "tests/scenarios/runner/stage.h"

namespace cotter::scenario {

/// What a vehicle's verb came to: the word that a step expects ("installed", "idle", "ok"), or an Error.
using Came = Result<std::string>;

struct Height {
  virtual ~Height() = default;
  /// Plays a verb of the vehicle, of an ECU or of the director; nothing when it is not of this height.
  virtual std::optional<Came> play(const std::string& verb, const json::Value& what) = 0;
  /// Turns `file` of the vehicle's own store into rubbish.
  virtual Result<void> damage(const FileId& file) = 0;
  /// The stored version of a file; nothing when it is not stored.
  virtual std::optional<std::uint64_t> trusted(const FileId& file) = 0;
  /// The version of a file that an ECU itself has stored; nothing when it has none.
  virtual std::optional<std::uint64_t> ecu_trusts(const std::string& /*ecu*/, const FileId& /*file*/) {
    return std::nullopt;
  }
  /// What each ECU runs.
  virtual std::map<std::string, model::InstalledImage> installed() = 0;
  /// The least release counter that an ECU may get.
  virtual std::uint64_t floor(const std::string& ecu) = 0;
  /// Every attack indicator that the director was sent, or an ECU holds.
  virtual std::string reported() = 0;
};

std::unique_ptr<Height> core_height(Stage& stage);
std::unique_ptr<Height> primary_height(Stage& stage);
std::unique_ptr<Height> bus_height(Stage& stage);
std::unique_ptr<Height> director_height(Stage& stage);

/// The version in a stored file.
std::optional<std::uint64_t> version_in(const std::optional<Bytes>& file);
/// Rubbish in place of what is stored.
Result<void> spoil(trust::MetadataStore& store, const FileId& file);

}  // namespace cotter::scenario
