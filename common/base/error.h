// The two ways a call can fail: a Rejection (bytes that break a rule) and a Fault (the world failed).
// Never used for bugs: those die in COTTER_ASSERT. Values only, safe on any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cotter {

/// What a broken rule looks like: the one list. A failed check names the attack (Uptane full_verification,
/// end).
enum class Attack : std::uint8_t {
  None,
  ArbitrarySoftware,
  Rollback,
  Freeze,
  MixAndMatch,
  EndlessData,
  SlowRetrieval,
  PartialBundle,
  FastForward,
  Replay,
};
/// "rollback", "mix-and-match", …
std::string_view name_of(Attack attack) noexcept;
std::optional<Attack> attack_named(std::string_view name) noexcept;

/// Which repository a file belongs to. A plain TUF repository is read as an image repository.
enum class Repository : std::uint8_t { Director, Image };
std::string_view name_of(Repository repository) noexcept;

/// One id for each check of `common/trust/rules.def`.
enum class RuleId : std::uint8_t {
#define RULE(id, name, uptane, tuf, attack, innocent) id,
#include "common/trust/rules.def"
#undef RULE
};

/// A line of `rules.def`.
struct Rule {
  RuleId id;
  std::string_view name;  ///< as users, manifests and HTTP problems spell it: "timestamp-older-than-trusted"
  std::string_view uptane;    ///< where the standard or the checklist asks for it
  std::string_view tuf;       ///< the step of the TUF client workflow, or empty
  Attack attack;              ///< what breaking it looks like
  std::string_view innocent;  ///< the likelier, harmless cause
};
const Rule& rule_of(RuleId id) noexcept;
const std::vector<Rule>& all_rules();
std::optional<RuleId> rule_named(std::string_view name) noexcept;

/// Somebody gave us bytes that break a rule.
struct Rejection {
  std::optional<Repository> repository;  ///< filled in by whoever knows which file was being read
  std::string role;                      ///< role or document name; empty until known
  RuleId rule{};
  std::string expected;
  std::string got;
  [[nodiscard]] Attack looks_like() const noexcept { return rule_of(rule).attack; }
};

/// The world failed. NotFound stands apart: the root chain ends on it and on nothing else (VER-2).
struct Fault {
  enum class Kind : std::uint8_t { NotFound, Network, Timeout, Io, NoSpace, Busy, Denied, Usage, Conflict };
  Kind kind{};
  std::string detail;  ///< what failed and why, in one line
  std::string hint;    ///< what to do next; may be empty
};

using Error = std::variant<Rejection, Fault>;

/// "image/timestamp: version 5 is older …": one line, without the rule's block.
std::string summary(const Error& error);
/// The whole story of a Rejection in lines (rule, what it looks like, innocent cause); of a Fault its detail.
std::string explain(const Error& error);

/// `text` for a message: cut short. refuse() makes it printable.
std::string shown(std::string_view text);

[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace cotter

/// On in release builds too: a wrong call order in the core is a bug, and the core guards trust.
#define COTTER_ASSERT(expression)                       \
  (static_cast<bool>(expression) ? static_cast<void>(0) \
                                 : ::cotter::assertion_failed(#expression, __FILE__, __LINE__))
