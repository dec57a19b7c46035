#include "common/base/error.h"

#include <array>
#include <cstdio>
#include <cstdlib>

#include "common/base/printable.h"
#include "common/base/result.h"

namespace cotter {
namespace {

constexpr std::array kAttackNames = {
    "none",         "arbitrary-software", "rollback",       "freeze",       "mix-and-match",
    "endless-data", "slow-retrieval",     "partial-bundle", "fast-forward", "replay"};

#ifdef COTTER_MUTANTS
/// The rule that this weak client does not check; none when COTTER_MUTANT is unset.
std::optional<RuleId> switched_off() {
  static const std::optional<RuleId> rule = [] {
    const char* name = std::getenv("COTTER_MUTANT");
    return name == nullptr ? std::nullopt : rule_named(name);
  }();
  return rule;
}
#endif

}  // namespace

std::string_view name_of(Attack attack) noexcept { return kAttackNames[static_cast<std::size_t>(attack)]; }

std::optional<Attack> attack_named(std::string_view name) noexcept {
  for (std::size_t i = 0; i < kAttackNames.size(); ++i) {
    if (name == kAttackNames[i]) return static_cast<Attack>(i);
  }
  return std::nullopt;
}

std::string_view name_of(Repository repository) noexcept {
  return repository == Repository::Director ? "director" : "image";
}

const std::vector<Rule>& all_rules() {
  static const std::vector<Rule> rules = {
#define RULE(id, name, uptane, tuf, attack, innocent) \
  {RuleId::id, name, uptane, tuf, Attack::attack, innocent},
#include "common/trust/rules.def"
#undef RULE
  };
  return rules;
}

const Rule& rule_of(RuleId id) noexcept { return all_rules()[static_cast<std::size_t>(id)]; }

std::optional<RuleId> rule_named(std::string_view name) noexcept {
  for (const Rule& rule : all_rules()) {
    if (rule.name == name) return rule.id;
  }
  return std::nullopt;
}

Result<void> refuse(RuleId rule, std::string expected, std::string got) {
#ifdef COTTER_MUTANTS
  if (switched_off() == rule) return {};
#endif
  return fail(Rejection{std::nullopt, {}, rule, printable(std::move(expected)), printable(std::move(got))});
}

Error located(Error error, Repository repository, std::string_view role) {
  if (auto* rejection = std::get_if<Rejection>(&error)) {
    if (!rejection->repository) rejection->repository = repository;
    if (rejection->role.empty()) rejection->role = role;
  }
  return error;
}

Error concerning(Error error, std::string_view what) {
  if (auto* rejection = std::get_if<Rejection>(&error)) rejection->got += " (" + std::string(what) + ")";
  return error;
}

std::string summary(const Error& error) {
  if (const auto* fault = std::get_if<Fault>(&error)) return fault->detail;
  const auto& rejection = std::get<Rejection>(error);
  std::string text;
  if (rejection.repository) text += std::string(name_of(*rejection.repository)) + "/";
  text += rejection.role.empty() ? "document" : rejection.role;
  text += ": " + std::string(rule_of(rejection.rule).name);
  if (!rejection.expected.empty()) text += ": expected " + rejection.expected;
  if (!rejection.got.empty()) text += (rejection.expected.empty() ? ": got " : ", got ") + rejection.got;
  return text;
}

std::string explain(const Error& error) {
  const auto* rejection = std::get_if<Rejection>(&error);
  if (rejection == nullptr) return summary(error);
  const Rule& rule = rule_of(rejection->rule);
  std::string text = "rejected " + summary(error) + "\n  rule        " + std::string(rule.name) + " (" +
                     std::string(rule.uptane);
  if (!rule.tuf.empty()) text += "; " + std::string(rule.tuf);
  text += ")";
  if (rule.attack != Attack::None) text += "\n  looks like  " + std::string(name_of(rule.attack)) + " attack";
  if (!rule.innocent.empty()) text += "\n  or simply   " + std::string(rule.innocent);
  return text;
}

std::string shown(std::string_view text) {
  constexpr std::size_t kLongest = 80;
  std::string result(text.substr(0, kLongest));
  if (text.size() > kLongest) result += "...";
  return result;
}

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "cotter: bug: %s does not hold (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace cotter
