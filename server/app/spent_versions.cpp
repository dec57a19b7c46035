#include "server/app/spent_versions.h"

#include <utility>

#include "server/app/record.h"

namespace cotter::app {

std::optional<ledger::Entry> spent_entry(Repository repository, std::string subject,
                                         const std::vector<VersionStep>& steps, UtcTime now) {
  json::Array spent;
  for (const VersionStep& step : steps) {
    const std::uint64_t first = step.before.value() + 1;
    if (first >= step.next.value()) continue;
    spent.emplace_back(
        json::Object{{"role", step.role.value()}, {"from", first}, {"to", step.next.value() - 1}});
  }
  if (spent.empty()) return std::nullopt;
  json::Object details{{"repository", name_of(repository)}, {"versions", std::move(spent)}};
  return ledger::Entry{std::string(ledger::kSpent), now, acting_account(), std::move(subject),
                       std::move(details)};
}

}  // namespace cotter::app
