// What came of one scenario played against one client. Values only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"
#include "common/json/value.h"

namespace cotter::replay {

enum class Outcome : std::uint8_t {
  AsRequired,
  Fooled,    ///< it did not do what it must
  Waiting,   ///< the feature that the scenario attacks is still to come
  NotAsked,  ///< not of this protocol, or it needs what the client does not declare: not counted
  Trouble,   ///< the client, or the kit, could not be run: says nothing about the client
};
/// "as-required", "fooled", …
std::string_view name_of(Outcome outcome) noexcept;

/// In what way a client did not do what it must.
enum class Lapse : std::uint8_t {
  Installed,  ///< it runs what it must not
  Trusted,    ///< it took metadata for true that it must not, or forgot what it must keep
  Accepted,   ///< it said yes, where it must refuse
  Asked,      ///< it asked for what it must not, or read without end
  Wrote,      ///< it wrote outside its folder
  Unnamed,    ///< it refused, and did not say what it met, though it declares that it does
  Held,       ///< it did not end in time
  Crashed,
  Kept,  ///< it was kept from what it must do all the same
};
/// "installed", "trusted", …
std::string_view name_of(Lapse lapse) noexcept;

struct Finding {
  Lapse lapse = Lapse::Installed;
  std::string what;  ///< one sentence
};

/// One step as it went, for whoever looks for the reason.
struct StepLine {
  std::string verb;
  std::string what;
};

struct Verdict {
  std::string scenario;
  Outcome outcome = Outcome::AsRequired;
  std::optional<Finding> finding;  ///< of Fooled
  std::string why;                 ///< of Waiting, NotAsked, Trouble
  std::vector<StepLine> story;
  std::int64_t milliseconds = 0;

  [[nodiscard]] json::Object encode() const;
  static Result<Verdict> decode(const json::Value& value);
};

}  // namespace cotter::replay
